"""A Django project in one file, beside its settings."""

import os
import sqlite3

import django
from django.http import Http404, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import include, path, re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()


def middleware(get_response):
    def handle(request):
        response = get_response(request)
        response["X-Middleware"] = "1"
        return response

    return handle


def user(request, id):
    return JsonResponse({"id": id, "password": "hush"})


def create(request):
    return HttpResponse(request.body, content_type=request.META["CONTENT_TYPE"], status=201)


def form(request):
    return HttpResponse(",".join(sorted(request.POST)))


def boom(request):
    raise ValueError("boom")


def missing(request, year):
    raise Http404("nothing in " + year)


def parts(request):
    def body():
        for number in range(2):
            (doubled,) = sqlite3.connect(":memory:").execute("SELECT 2 * ?", (number,)).fetchone()
            yield str(doubled)

    return StreamingHttpResponse(body(), content_type="text/plain")


urlpatterns = [
    path("users", create),
    path("form", form),
    path("boom", boom),
    path("parts", parts),
    path("inner/", include([path("users/<int:id>", user), re_path(r"^years/(?P<year>[0-9]{4})$", missing)])),
]
