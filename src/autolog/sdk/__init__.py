"""The Python interface: tasks and models as people work with them, over the records of the store."""
