"""What an option of the template brings to a project: a folder for each."""
