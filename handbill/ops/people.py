"""Add a person who works at the desk."""

from __future__ import annotations

import secrets


def add_person(email: str, role: str) -> str:
    """Make an account with a random password and return that. ``role``: "editor" or "admin".

    Raises ValueError with a sentence when the address is none or has an account.
    """
    from allauth.account.models import EmailAddress
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group
    from django.db import transaction

    from handbill.delivery.address import AddressError, normalise

    try:
        email = normalise(email)
    except AddressError as error:
        raise ValueError(str(error)) from None
    users = get_user_model()
    if users.objects.filter(email__iexact=email).exists():
        raise ValueError("This address has an account already. Change its password at the desk.")
    password = secrets.token_urlsafe(15)
    with transaction.atomic():
        make = users.objects.create_superuser if role == "admin" else users.objects.create_user
        person = make(username=email, email=email, password=password)
        person.groups.add(Group.objects.get(name="Admins" if role == "admin" else "Editors"))
        EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
    return password
