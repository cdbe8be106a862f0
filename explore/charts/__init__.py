"""Charts of any table: what is asked of one, the database's figures for it, and its picture.

>>> draw(Respondent, Respondent.objects.all(), Drawing("bar", x="education", colour="sex")).image("png")
"""

from explore.charts.defaults import default_drawing
from explore.charts.drawing import Drawing, Undrawn
from explore.charts.draws import draw
from explore.charts.pictures import Picture

__all__ = ["Drawing", "Picture", "Undrawn", "default_drawing", "draw"]
