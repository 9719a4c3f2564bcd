"""A Django project in one file."""

import os

import common
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

settings.configure(
    ALLOWED_HOSTS=["*"],
    DEBUG=False,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="for tests",
    LOGGING_CONFIG=None,
)


def order(request, number):
    return JsonResponse(common.order(number))


def stream(request, count):
    return StreamingHttpResponse(("line %d\n" % n for n in range(count)), content_type="text/plain")


@csrf_exempt
def echo(request):
    return HttpResponse(request.body, content_type=request.content_type)


def boom(request):
    raise ValueError("no luck")


urlpatterns = [
    path("", lambda request: HttpResponse("hello")),
    path("orders/<str:number>", order),
    path("stream/<int:count>", stream),
    path("echo", echo),
    path("boom", boom),
]

application = get_asgi_application() if os.environ.get("ASGI") else get_wsgi_application()
