"""`/api/me/`, `/api/projects/{id}/members/` and `/api/members/{id}/`."""

from __future__ import annotations

from uuid import UUID

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from projects import events, selectors, services
from projects.api import answers, requests, schema
from projects.api.pagination import page
from projects.api.views import DomainView, at_one_moment, write


class Me(DomainView):
    @schema.reads("me_read", "Who the caller is", answers.Person, refusals=(400, 401), guests=False)
    def get(self, request: Request) -> Response:
        self.query(requests.NoQuery)
        return Response(events.person(self.actor))


class Members(DomainView):
    @schema.lists("members_list", "A project's members", answers.Member)
    @at_one_moment
    def get(self, request: Request, project_id: UUID) -> Response:
        project = selectors.project_for(request.user, project_id)
        return page(request, selectors.members_of(project), events.member)

    @schema.writes(
        "members_add",
        "Add a member",
        201,
        answers.Member,
        body=requests.MemberAdd,
        example={"username": "grace", "role": "editor"},
    )
    @write(body=requests.MemberAdd)
    def post(self, project_id: UUID) -> Response:
        member = services.member_add(
            actor=self.actor,
            project_id=project_id,
            mutation_id=self.mutation_id,
            **self.given,
        )
        return Response(
            events.member(member),
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/members/{member.pk}/"},
        )


class Member(DomainView):
    @schema.reads("members_read", "A member", answers.Member)
    def get(self, request: Request, membership_id: UUID) -> Response:
        self.query(requests.NoQuery)
        return Response(events.member(selectors.membership_for(request.user, membership_id)))

    @schema.writes(
        "members_update",
        "Change a member's role",
        200,
        answers.Member,
        body=requests.MemberPatch,
        example={"role": "viewer"},
    )
    @write(body=requests.MemberPatch)
    def patch(self, membership_id: UUID) -> Response:
        member = services.member_change(
            actor=self.actor,
            membership_id=membership_id,
            role=self.given.get("role"),
            mutation_id=self.mutation_id,
        )
        return Response(events.member(member))

    @schema.writes("members_remove", "Remove a member, or leave", 204)
    @write()
    def delete(self, membership_id: UUID) -> Response:
        services.member_remove(actor=self.actor, membership_id=membership_id, mutation_id=self.mutation_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
