"""The domain's addresses, below `/api/`."""

from django.urls import path

from projects.api.columns import Column, ColumnMove, Columns
from projects.api.comments import Comment, Comments
from projects.api.members import Me, Member, Members
from projects.api.projects import Board, Project, Projects
from projects.api.tasks import Task, TaskMove, Tasks

urlpatterns = [
    path("me/", Me.as_view()),
    path("projects/", Projects.as_view()),
    path("projects/<uuid:project_id>/", Project.as_view()),
    path("projects/<uuid:project_id>/board/", Board.as_view()),
    path("projects/<uuid:project_id>/members/", Members.as_view()),
    path("projects/<uuid:project_id>/columns/", Columns.as_view()),
    path("projects/<uuid:project_id>/tasks/", Tasks.as_view()),
    path("members/<uuid:membership_id>/", Member.as_view()),
    path("columns/<uuid:column_id>/", Column.as_view()),
    path("columns/<uuid:column_id>/move/", ColumnMove.as_view()),
    path("tasks/<uuid:task_id>/", Task.as_view()),
    path("tasks/<uuid:task_id>/move/", TaskMove.as_view()),
    path("tasks/<uuid:task_id>/comments/", Comments.as_view()),
    path("comments/<uuid:comment_id>/", Comment.as_view()),
]
