import project  # noqa: F401, before all of Django
from ask import ask
from django.core.wsgi import get_wsgi_application
from django.test import Client
from wsgi import serving

with serving(get_wsgi_application()):
    ask("GET", "/inner/users/7?token=hush")
    ask("POST", "/users", {"name": "ann", "password": "hush"})
    ask("POST", "/form", b"a=1&password=hush", Content_Type="application/x-www-form-urlencoded")
    ask("GET", "/boom")
    ask("GET", "/inner/years/1999")
    ask("GET", "/nowhere")
    ask("GET", "/parts")
print(Client().get("/inner/users/8").status_code)
