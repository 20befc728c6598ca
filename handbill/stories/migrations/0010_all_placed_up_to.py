from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('stories', '0009_shelves'),
    ]

    operations = [
        migrations.AlterField(
            model_name='grouping',
            name='all_placed_to',
            field=models.BigIntegerField(default=0, help_text='Number up to which every report had its place.'),
        ),
    ]
