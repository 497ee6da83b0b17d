from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "keepwell.web"
    label = "web"

    def ready(self) -> None:
        from keepwell.web import sign_in_record

        sign_in_record.connect()
