"""Of the Django application in library.py."""

ROOT_URLCONF = "__main__"
ALLOWED_HOSTS = ["*"]
SECRET_KEY = "-"
MIDDLEWARE = []
