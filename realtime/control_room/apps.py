from django.contrib.admin.apps import AdminConfig


class ControlRoomConfig(AdminConfig):
    """Django's admin, whose first page is the operators' overview."""

    default_site = "realtime.control_room.site.ControlRoom"
