"""One short file a library, imported when the app imports that library."""
