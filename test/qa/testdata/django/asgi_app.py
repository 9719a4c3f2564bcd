import project  # noqa: F401, before the rest of Django
from asgi import serving
from ask import ask
from django.core.asgi import get_asgi_application

with serving(get_asgi_application()):
    ask("GET", "/inner/users/7?token=hush")
    ask("POST", "/users", {"name": "ann", "password": "hush"})
    ask("GET", "/boom")
    ask("GET", "/nowhere")
    ask("GET", "/parts")
