from django.urls import path

from . import views

app_name = "lists"
urlpatterns = [
    path("", views.HomeView.as_view(), name="home"),
    path("lists/", views.MineView.as_view(), name="mine"),
    path("lists/<int:pk>/", views.DetailView.as_view(), name="detail"),
    path("lists/<int:pk>/share/", views.ShareView.as_view(), name="share"),
    path("lists/<int:pk>/delete/", views.DeleteListView.as_view(), name="delete"),
    path("todos/<int:pk>/tick/", views.TickView.as_view(), name="tick"),
    path("todos/<int:pk>/delete/", views.DeleteTodoView.as_view(), name="delete_todo"),
    path("search/", views.SearchView.as_view(), name="search"),
]
