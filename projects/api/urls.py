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
    path("projects/<id:project_id>/", Project.as_view()),
    path("projects/<id:project_id>/board/", Board.as_view()),
    path("projects/<id:project_id>/members/", Members.as_view()),
    path("projects/<id:project_id>/columns/", Columns.as_view()),
    path("projects/<id:project_id>/tasks/", Tasks.as_view()),
    path("members/<id:membership_id>/", Member.as_view()),
    path("columns/<id:column_id>/", Column.as_view()),
    path("columns/<id:column_id>/move/", ColumnMove.as_view()),
    path("tasks/<id:task_id>/", Task.as_view()),
    path("tasks/<id:task_id>/move/", TaskMove.as_view()),
    path("tasks/<id:task_id>/comments/", Comments.as_view()),
    path("comments/<id:comment_id>/", Comment.as_view()),
]
