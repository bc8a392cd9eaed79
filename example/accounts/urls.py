from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from .views import DeleteAccountView, SignUpView

urlpatterns = [
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("signup/", SignUpView.as_view(), name="signup"),
    path("delete/", DeleteAccountView.as_view(), name="delete_account"),
]
