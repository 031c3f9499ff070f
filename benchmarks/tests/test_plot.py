"""The plot: well-formed, and every point in its field."""

from xml.etree import ElementTree as ET

from benchmarks.plot import HEIGHT, WIDTH, Line, plot


def test_a_plot_is_well_formed_and_keeps_its_points_inside() -> None:
    """Two lines, two fields; names are text, whatever is in them."""
    lines = [Line("a < b & c", [(0, 0), (1, 5), (2, 10)]), Line("flat", [(0, 7), (2, 7)])]
    drawn = ET.fromstring(plot(lines, "minutes"))
    name = "{http://www.w3.org/2000/svg}"
    assert next(drawn.iter(f"{name}text")).text == "a < b & c"
    for number, line in enumerate(drawn.iter(f"{name}polyline")):
        places = [tuple(map(float, one.split(","))) for one in line.attrib["points"].split()]
        assert all(0 <= x <= WIDTH for x, _ in places)
        assert all(number * HEIGHT <= y <= (number + 1) * HEIGHT for _, y in places)


def test_a_plot_of_nothing_is_empty_and_no_mistake() -> None:
    """A run that was too short for a sample."""
    assert "<polyline" in plot([Line("nothing", [])], "minutes")
