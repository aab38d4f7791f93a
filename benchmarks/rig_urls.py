"""The service's addresses, and a view that does nothing."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"{}", content_type="application/json")


urlpatterns = [path("api/nothing/", nothing), path("", include("devmentor.urls"))]
