"""The control room's tables; the overview and the switches are the site's own pages: control_room.site."""

from axes.admin import AccessAttemptAdmin
from django.contrib import admin

from realtime import models
from realtime.control_room.actions import BlockedNetworkAdmin, JournalAdmin
from realtime.control_room.connections import EndedConnectionAdmin, GatewayAdmin, LiveConnectionAdmin
from realtime.control_room.services import ServiceTokenAdmin

admin.site.register(models.LiveConnection, LiveConnectionAdmin)
admin.site.register(models.EndedConnection, EndedConnectionAdmin)
admin.site.register(models.GatewayProcess, GatewayAdmin)
admin.site.register(models.BlockedNetwork, BlockedNetworkAdmin)
admin.site.register(models.ServiceToken, ServiceTokenAdmin)
admin.site.register(models.OperatorAction, JournalAdmin)
# Whoever may look at failed log-ins could run it, and it fails on a request whose log-in axes has not judged.
AccessAttemptAdmin.actions = ()
