"""Parts: cut, read as one stream, and every label that is not the predicted one refused."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from airgap.bundle.format import FRAME_SIZE, PART_CLOSING_SIZE, PART_OPENING_SIZE, PARTS_MAX
from airgap.bundle.labels import parse_closing, parse_opening
from airgap.bundle.parts import PartWriter
from airgap.bundle.recovery import Place, Record, plan_recovery
from airgap.bundle.volumes import PRESETS, VOLUME_MAX, VOLUME_MIN, parse_percent, parse_volume_size
from airgap.digest import Digest, digest_of
from airgap.errors import FormatError, IntegrityError
from tests.bundle import parts as making
from tests.bundle.parts import Memory, Piece, cut, payload_of, pieces, units
from tests.bundle.simulator import (
    Bundle,
    Trickle,
    Whole,
    encode,
    examine,
    large_sample,
    read_through,
    refusal,
    sample,
    stream,
)
from tests.bundle.simulator import entries as entries_of

OTHER = Digest("5" * 64)


@pytest.fixture(scope="module")
def large() -> Bundle:
    """Two and a half frames of noise, and as much that can be squeezed: three parts of one frame and more."""
    return large_sample(5 * FRAME_SIZE)


@pytest.fixture(scope="module")
def large_good(large: Bundle) -> bytes:
    return encode(large)


@pytest.fixture(scope="module")
def split(large: Bundle) -> list[bytes]:
    return cut(units(large), large.manifest.id)[0]


@pytest.fixture(scope="module")
def small_split(bundle: Bundle) -> list[bytes]:
    """One part with both labels, short enough to flip every bit of it."""
    return cut(units(bundle), bundle.manifest.id)[0]


class TestCutting:
    def test_the_parts_without_labels_are_the_bundle(self, large_good: bytes, split: list[bytes]) -> None:
        assert len(split) == 3
        assert b"".join(map(payload_of, split)) == large_good

    def test_each_part_is_what_is_said_of_it(self, large: Bundle) -> None:
        made, written = cut(units(large), large.manifest.id)
        for number, (data, said) in enumerate(zip(made, written, strict=True), 1):
            assert (said.number, said.size, said.digest) == (number, len(data), digest_of(data))
            assert len(data) <= making.VOLUME
            opening = parse_opening(data[:PART_OPENING_SIZE])
            found = parse_closing(data[-PART_CLOSING_SIZE:])
            assert opening is not None
            assert found is not None
            closing, digest = found
            assert closing.opening == opening
            assert (opening.bundle, opening.number, closing.total) == (large.manifest.id, number, len(made))
            assert digest == bytes.fromhex(digest_of(data[:-32]).hex)

    def test_the_same_parts_again(self, large: Bundle, split: list[bytes]) -> None:
        assert cut(units(large), large.manifest.id)[0] == split

    def test_a_unit_that_just_fits_and_one_that_does_not(self, large: Bundle) -> None:
        made = units(large)
        exact = len(made[0]) + len(made[1]) + PART_OPENING_SIZE + PART_CLOSING_SIZE
        assert len(cut(made, large.manifest.id, exact)[0][0]) == exact
        shorter = cut(made, large.manifest.id, exact - 1)[0]
        assert payload_of(shorter[0]) == made[0]

    def test_zstd_reads_all_of_them_and_each_alone(self, large: Bundle, split: list[bytes]) -> None:
        archive = stream(entries_of(large))
        assert _unpacked(b"".join(split)) == archive
        assert b"".join(map(_unpacked, split)) == archive

    def test_a_descriptor_is_not_held_for_every_part(self, large: Bundle) -> None:
        outputs: list[Memory] = []

        def open_part(_: int) -> Memory:
            outputs.append(Memory())
            return outputs[-1]

        writer = PartWriter(large.manifest.id, making.VOLUME, open_part)
        for unit in units(large):
            writer.write(unit)
            assert all(output.pauses for output in outputs[:-1])
        writer.finish()
        assert all(output.pauses == 2 for output in outputs)

    def test_the_seek_table_may_need_a_part_of_its_own(self, bundle: Bundle) -> None:
        made = units(bundle)
        volume = len(made[0]) + PART_OPENING_SIZE + PART_CLOSING_SIZE
        split, _ = cut(made, bundle.manifest.id, volume)
        assert [payload_of(part) for part in split] == made
        assert read_through(b"".join(split))[0] == bundle.manifest.id

    def test_a_seek_table_over_the_volume_is_refused_with_the_size_that_does(self, bundle: Bundle) -> None:
        table = units(bundle)[-1] + bytes(1000)
        with pytest.raises(FormatError, match="seek table") as caught:
            cut([b"x", table], bundle.manifest.id, 600)
        assert caught.value.facts["minimum"] == len(table) + PART_OPENING_SIZE + PART_CLOSING_SIZE

    def test_no_more_parts_than_three_digits_name(self, bundle: Bundle) -> None:
        table = units(bundle)[-1]
        volume = len(table) + PART_OPENING_SIZE + PART_CLOSING_SIZE
        many = [bytes(volume - PART_OPENING_SIZE - PART_CLOSING_SIZE)] * (PARTS_MAX - 1)
        assert len(cut([*many, table], bundle.manifest.id, volume)[0]) == PARTS_MAX
        with pytest.raises(FormatError, match=f"more than {PARTS_MAX} parts"):
            cut([*many, many[0], table], bundle.manifest.id, volume)

    def test_misuse(self, bundle: Bundle) -> None:
        with pytest.raises(RuntimeError):
            cut(units(bundle)[:-1], bundle.manifest.id)
        with pytest.raises(RuntimeError):
            cut([*units(bundle), b"more"], bundle.manifest.id)


class TestReading:
    def test_the_verdict_is_that_of_the_whole_file(self, large: Bundle, large_good: bytes, split: list[bytes]) -> None:
        whole, apart = examine(large_good), examine(b"".join(split))
        assert apart.accepted
        assert (apart.id, apart.manifest) == (whole.id, whole.manifest)
        assert [image.image for image in apart.verified] == [image.image for image in whole.verified]

    @pytest.mark.parametrize("jobs", [1, 3])
    def test_read_sizes_do_not_matter(self, large: Bundle, split: list[bytes], jobs: int) -> None:
        found = read_through(Trickle(b"".join(split), [1_000_003, 7, 65_536]), jobs=jobs)
        assert found == (large.manifest.id, dict(large.content))

    @settings(max_examples=15)
    @given(st.integers(600, 9_000))
    def test_any_volume(self, volume: int) -> None:
        bundle = sample()
        made = units(bundle)
        if volume < max(map(len, made)) + PART_OPENING_SIZE + PART_CLOSING_SIZE:
            return
        assert read_through(b"".join(cut(made, bundle.manifest.id, volume)[0]))[0] == bundle.manifest.id

    def test_every_flipped_bit_of_a_label_is_refused(self, bundle: Bundle, small_split: list[bytes]) -> None:
        (good,) = small_split
        outcomes: Counter[tuple[str, int]] = Counter()
        labels = [*range(PART_OPENING_SIZE), *range(len(good) - PART_CLOSING_SIZE, len(good))]
        for place in labels:
            for bit in range(8):
                bad = bytearray(good)
                bad[place] ^= 1 << bit
                with pytest.raises((FormatError, IntegrityError)) as caught:
                    read_through(bytes(bad))
                outcomes[caught.value.kind, caught.value.exit_status] += 1
        total = 8 * (PART_OPENING_SIZE + PART_CLOSING_SIZE)
        assert sum(outcomes.values()) == total
        print(f"\nlabels: {total} of {total} flipped bits refused: {dict(outcomes)}")

    def test_every_flipped_byte_of_the_frames_is_refused(self, bundle: Bundle, small_split: list[bytes]) -> None:
        """Unlike a whole file, a part leaves no bit without meaning: its digest covers them all."""
        (good,) = small_split
        for place in range(PART_OPENING_SIZE, len(good) - PART_CLOSING_SIZE):
            bad = bytearray(good)
            bad[place] ^= 1 << place % 8
            with pytest.raises((FormatError, IntegrityError)):
                read_through(bytes(bad))

    def test_every_cut_is_refused(self, small_split: list[bytes]) -> None:
        (good,) = small_split
        for length in range(len(good)):
            with pytest.raises((FormatError, IntegrityError)) as caught:
                read_through(good[:length])
            assert caught.value.exit_status == (20 if length > 0 else 10), length

    def test_more_behind_the_last_part_is_refused(self, split: list[bytes]) -> None:
        assert refusal(b"".join(split) + b"x").kind == "trailing-data"
        assert refusal(b"".join([*split, split[-1]])).kind == "trailing-data"

    @pytest.mark.parametrize(
        ("order", "missing"),
        [([1, 2], ["1"]), ([2, 0, 1], ["1"]), ([0, 2], ["2"]), ([0, 0, 1, 2], ["2"]), ([0], ["2"]), ([0, 1], ["3"])],
    )
    def test_parts_in_another_order(self, split: list[bytes], order: list[int], missing: list[str]) -> None:
        error = refusal(b"".join(split[number] for number in order))
        assert (error.kind, error.exit_status) == ("part-missing", 20)
        assert error.facts["missing"] == missing

    def test_a_damaged_frame_names_its_part(self, split: list[bytes]) -> None:
        bad = bytearray(split[1])
        bad[PART_OPENING_SIZE + 100_000] ^= 1
        error = refusal(b"".join([split[0], bad, split[2]]), jobs=3)
        assert error.kind == "frame-damaged"
        assert error.facts["part"] == "part 2 of 3"
        assert error.message.startswith("part 2 of 3: ")

    def test_a_whole_bundle_has_no_labels_in_it(self, good: bytes, small_split: list[bytes]) -> None:
        label = small_split[0][:PART_OPENING_SIZE]
        assert refusal(good + label).kind == "trailing-data"
        frame = len(units(sample())[0])
        assert refusal(good[:frame] + label + good[frame:]).kind == "frame-not-canonical"

    def test_a_recovery_file_is_no_bundle(self) -> None:
        layout = plan_recovery(OTHER, OTHER, 10_000, 10)
        record = Record(layout, Place(1, 1, 0, layout.records), 0, bytes(8 * layout.shards), bytes(layout.block))
        error = refusal(record.encode())
        assert error.kind == "not-a-bundle"
        assert "recovery" in error.message


@pytest.fixture(scope="module")
def groups(large: Bundle) -> list[list[bytes]]:
    made = units(large)
    return [made[:1], made[1:2], made[2:]]


@pytest.fixture(scope="module")
def chain(groups: list[list[bytes]], large: Bundle, split: list[bytes]) -> list[Piece]:
    """The good parts by their fields."""
    found = pieces(groups, large.manifest.id)
    assert [piece.encode() for piece in found] == split
    return found


class TestHostileParts:
    """Each is wrong in one thing, and consistent with itself otherwise: its digests are right."""

    def _refused(self, found: list[Piece], match: str) -> IntegrityError:
        error = refusal(b"".join(piece.encode() for piece in found))
        assert error.kind == "part-label-differs", error
        assert match in error.message
        assert isinstance(error, IntegrityError)
        return error

    def test_of_another_bundle(self, chain: list[Piece]) -> None:
        self._refused([piece.but(bundle=OTHER) for piece in chain], "another bundle than")

    @pytest.mark.parametrize(
        "change",
        [
            lambda piece: piece.but(bundle=OTHER),
            lambda piece: piece.but(volume=making.VOLUME + 1),
            lambda piece: piece.but(offset=piece.opening.offset + 1),
        ],
    )
    def test_one_part_is_of_another_set(self, chain: list[Piece], change: Callable[[Piece], Piece]) -> None:
        self._refused([chain[0], change(chain[1]), chain[2]], "than the part before it")

    def test_the_first_part_does_not_begin_at_the_beginning(self, chain: list[Piece]) -> None:
        self._refused([chain[0].but(offset=1), *chain[1:]], "beginning")

    def test_the_number_of_parts_changes(self, chain: list[Piece]) -> None:
        self._refused([chain[0], chain[1].but(total=4), chain[2]], "disagree")

    def test_fewer_parts_than_said(self, chain: list[Piece]) -> None:
        self._refused([piece.but(total=4) for piece in chain], "how the bundle ends")

    def test_more_parts_than_said(self, chain: list[Piece]) -> None:
        self._refused([piece.but(total=2) for piece in chain[:2]] + [chain[2]], "than the part before it")

    def test_of_another_run(self, chain: list[Piece]) -> None:
        self._refused([chain[0], chain[1].but(frames=OTHER), chain[2]], "disagree")
        self._refused([piece.but(frames=OTHER) for piece in chain], "how the bundle ends")

    def test_a_length_that_is_not_that_of_the_part(self, chain: list[Piece]) -> None:
        self._refused([chain[0].but(length=chain[0].closing.length + 1), *chain[1:]], "follows from the part")

    def test_labels_that_disagree(self, chain: list[Piece]) -> None:
        bad = Piece(chain[0].opening, chain[0].payload, chain[0].but(volume=making.VOLUME + 1).closing)
        self._refused([bad, *chain[1:]], "follows from the part")

    def test_a_part_over_its_volume(self, groups: list[list[bytes]], large: Bundle) -> None:
        self._refused(pieces([[*groups[0], *groups[1]], groups[2]], large.manifest.id), "more than its label allows")

    def test_a_part_that_was_cut_too_early(self, large: Bundle, groups: list[list[bytes]]) -> None:
        volume = making.VOLUME * 3
        self._refused(pieces(groups, large.manifest.id, volume), "cut too early")

    def test_a_part_that_is_cut_inside_a_frame(self, chain: list[Piece], large: Bundle) -> None:
        data = b"".join(piece.payload for piece in chain)
        table = units(large)[-1]
        error = refusal(
            b"".join(
                one.encode() for one in pieces([[data[:1000]], [data[1000 : -len(table)], table]], large.manifest.id)
            )
        )
        assert error.exit_status in (10, 20)

    def test_a_wrong_digest(self, chain: list[Piece]) -> None:
        data = b"".join([chain[0].encode(lambda _: bytes(32)), chain[1].encode(), chain[2].encode()])
        assert refusal(data).kind == "part-damaged"

    def test_frames_between_two_parts(self, split: list[bytes], large: Bundle) -> None:
        self_contained = split[0] + units(large)[1] + split[1]
        error = refusal(self_contained)
        assert error.kind == "part-label-differs"
        assert "does not begin with a label" in error.message

    def test_an_opening_label_twice(self, split: list[bytes]) -> None:
        error = refusal(split[0][:PART_OPENING_SIZE] + b"".join(split))
        assert error.kind == "part-label-differs"

    def test_a_stale_part_of_another_level(self, large: Bundle, split: list[bytes]) -> None:
        stale = cut(units(large, level=19), large.manifest.id)[0]
        assert stale[0] != split[0]
        assert refusal(b"".join([stale[0], *split[1:]])).kind == "part-label-differs"


class TestSizes:
    @pytest.mark.parametrize(
        ("text", "size"),
        [
            ("650M", 650 * 1024**2),
            ("650MiB", 650 * 1024**2),
            ("650MB", 650 * 1000**2),
            ("4G", 4 * 1024**3),
            ("2T", 2 * 1024**4),
            ("9000K", 9000 * 1024),
            ("5000000", 5_000_000),
            ("5000000B", 5_000_000),
            *PRESETS.items(),
        ],
    )
    def test_size(self, text: str, size: int) -> None:
        assert parse_volume_size(text) == size

    @pytest.mark.parametrize(
        "text", ["", "0", "-1", "1.5G", "4g", "4 G", "iB", "5iB", "dvd2", "DVD", "1e9", "٤G", "4G\n", "9" * 40]
    )
    def test_no_size(self, text: str) -> None:
        with pytest.raises(FormatError, match="is no size"):
            parse_volume_size(text)

    def test_the_least_and_the_most(self) -> None:
        assert parse_volume_size(str(VOLUME_MIN)) == VOLUME_MIN
        assert parse_volume_size(str(VOLUME_MAX)) == VOLUME_MAX
        for size in (1, VOLUME_MIN - 1, VOLUME_MAX + 1):
            with pytest.raises(FormatError) as caught:
                parse_volume_size(str(size))
            assert str(VOLUME_MIN) in caught.value.message

    def test_a_frame_of_noise_fits_the_least_volume(self) -> None:
        noise = large_sample(FRAME_SIZE)
        assert max(map(len, units(noise))) + PART_OPENING_SIZE + PART_CLOSING_SIZE <= VOLUME_MIN

    def test_fat32_is_what_its_size_field_holds(self) -> None:
        assert PRESETS["fat32"] == 4_294_967_295

    @pytest.mark.parametrize(("text", "share"), [("1", 1), ("5%", 5), ("100", 100), ("99%", 99)])
    def test_percent(self, text: str, share: int) -> None:
        assert parse_percent(text) == share

    @pytest.mark.parametrize("text", ["0", "101", "5.5", "", "%", "5%%", "-5", " 5", "05"])
    def test_no_percent(self, text: str) -> None:
        with pytest.raises(FormatError):
            parse_percent(text)


def test_labels_have_one_spelling(split: list[bytes]) -> None:
    opening, closing = split[0][:PART_OPENING_SIZE], split[0][-PART_CLOSING_SIZE:]
    assert parse_opening(opening[:-1]) is None
    assert parse_opening(opening + b"\0") is None
    assert parse_closing(closing[:-1]) is None
    assert parse_closing(closing + b"\0") is None
    assert parse_opening(closing[:PART_OPENING_SIZE]) is None


def test_the_copy_is_the_bundle_without_labels(large: Bundle, large_good: bytes, split: list[bytes]) -> None:
    from airgap.media.recutter import read_through as recut
    from airgap.progress import Silent

    copy = io.BytesIO()
    assert recut(Whole(b"".join(split)), copy, jobs=2, progress=Silent()) == large.manifest.id
    assert copy.getvalue() == large_good


def _unpacked(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
