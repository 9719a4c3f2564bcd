SECRET_KEY = "hush"
ROOT_URLCONF = "project"
ALLOWED_HOSTS = ["*"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "project.middleware"]
LOGGING_CONFIG = None
DATABASES = {}
