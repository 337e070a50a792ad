"""The store on the offline side: what is in it, how it gets there, what proves it, and how it is made smaller."""
