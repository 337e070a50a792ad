"""What people and programs are shown. Documents are made once; JSON and text are two views of the same document."""
