"""Labels from tables: what is read, how rows are matched to images, and what is refused."""

import pytest

from stylesmith.data.dataset import open_dataset
from stylesmith.data.image_set import ReadOptions
from stylesmith.errors import DataError

NAMES = ["x/a.png", "x/b.png", "y/c.png"]


@pytest.fixture
def read(tmp_path, make_folder, make_image):
    """`read(content, suffix, column)`: rows of labels that a table gives to three images."""
    folder = make_folder({name: make_image(0) for name in NAMES})

    def read_table(content: str, suffix: str = ".csv", column: str = ""):
        table = tmp_path / f"table{suffix}"
        table.write_text(content, encoding="utf-8")
        option = f"{table}:{column}" if column else str(table)
        data = open_dataset(folder, options=ReadOptions(labels=option))
        return data.class_names, [data.label(i).tolist() for i in range(3)]

    return read_table


CLASSES = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]


@pytest.mark.parametrize(
    ("content", "suffix", "names"),
    [
        ("file,kind\na.png,cat\nb.png,dog\nc.png,cat\nunused.png,bird\n", ".csv", ("cat", "dog")),
        ("file\tkind\nx/a.png\tcat\nx/b.png\tdog\ny/c.png\tcat\n", ".tsv", ("cat", "dog")),
        ("file;kind\na;cat\nb;dog\nc;cat\n", ".csv", ("cat", "dog")),
        ("\ufefffile,kind\r\nx\\a.png,0\r\nx\\b.png,1\r\nc,0\r\n", ".csv", None),
        ("file,glasses\na.png,-1\nb.png,1\nc.png,-1\n", ".csv", None),
        ("file,glasses\na.png,False\nb.png,True\nc.png,false\n", ".csv", None),
        ('{"a.png": 0, "b.png": 1, "c.png": 0}', ".json", None),
        ('{"labels": [["a.png", "cat"], ["b.png", "dog"], ["c.png", "cat"]]}', ".json", None),
        ('"quoted, name",kind\na.png,"x, y"\nb.png,z\nc.png,"x, y"\n', ".csv", ("x, y", "z")),
    ],
)
def test_one_column_is_a_class(read, content, suffix, names):
    class_names, rows = read(content, suffix)
    assert rows == CLASSES
    assert names is None or class_names == names


def test_several_columns_are_numbers(read):
    content = "file,smile,age\na.png,-1,20\nb.png,1,30.5\nc.png,1,-1\n"
    assert read(content)[1] == [[0, 20], [1, 30.5], [1, -1]]
    assert read(content, column="age,smile")[1] == [[20, 0], [30.5, 1], [-1, 1]]
    assert read(content, column="smile")[1] == [[1, 0], [0, 1], [0, 1]]
    assert read('[["a", [1, 2]], ["b", [3, 4]], ["c", [5, 6]]]', ".json")[1][2] == [5, 6]


CELEBA = "3\nSmiling Young\na.png  -1  1\nb.png   1 -1\nc.png  -1 -1\n"


def test_celebas_list_of_attributes(read):
    assert read(CELEBA, ".txt")[1] == [[0, 1], [1, 0], [0, 0]]
    assert read(CELEBA, ".txt", "Smiling")[1] == CLASSES


def test_celebas_list_is_found_beside_the_images(make_folder, make_image):
    content = {f"img_align_celeba/{name}.png": make_image(0) for name in "abc"}
    folder = make_folder({**content, "list_attr_celeba.txt": CELEBA.encode()})
    data = open_dataset(folder)
    assert [data.label(i).tolist() for i in range(3)] == [[0, 1], [1, 0], [0, 0]]
    assert "labels of list_attr_celeba.txt (--labels none goes without)" in data.recognized
    assert open_dataset(folder, options=ReadOptions(labels="none")).labels is None


@pytest.mark.parametrize(
    ("table", "problem"),
    [("many\na\nx.jpg 1\n", "is no table"), ("1\nSmiling\nother.jpg 1\n", "has no row for 3 of 3")],
)
def test_a_list_that_nobody_asked_for_and_does_not_fit_is_left_out(
    make_folder, make_image, table, problem
):
    content = {f"{name}.png": make_image(0) for name in "abc"}
    folder = make_folder({**content, "list_attr_celeba.txt": table.encode()})
    data = open_dataset(folder)
    assert data.labels is None
    assert "no labels of list_attr_celeba.txt: " in data.recognized and problem in data.recognized
    with pytest.raises(DataError, match=problem):
        open_dataset(folder, options=ReadOptions(labels=str(folder / "list_attr_celeba.txt")))


@pytest.mark.parametrize(
    ("content", "column", "reason"),
    [
        ("file,kind\na.png,1\n", "", "has no row for 2 of 3 images, such as 'x/b.png'"),
        ("file,kind\na,1\nb,1\nc,1\n", "colour", "has no column 'colour'; its columns are: kind"),
        ("file,x,y\na,1,2\nb,1,cat\nc,1,2\n", "", "y of 'x/b.png' is 'cat'; wanted a number"),
        ("file,x,y\na,1,2\nb,1\nc,1,2\n", "", "the row of 'b' has 1 values for 2"),
        ("file,x\na,1\na,2\nb,1\nc,1\n", "", "it has two rows of 'a'"),
        ("file,x\na,0.5\nb,1\nc,1\n", "", "no classes"),
        ("hello\n", "", "is no table of labels"),
        ("", "", "is no table of labels"),
        ("{", "", "is no table of labels"),
    ],
)
def test_tables_that_do_not_fit_are_refused(read, content, column, reason):
    with pytest.raises(DataError) as caught:
        read(content, column=column)
    assert reason in str(caught.value) and "table.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_row_that_fits_two_images_is_refused(tmp_path, make_folder, make_image):
    folder = make_folder({"x/a.png": make_image(0), "y/a.png": make_image(1)})
    table = tmp_path / "t.csv"
    table.write_text("file,kind\na.png,1\n")
    with pytest.raises(DataError, match=r"the row 'a\.png' fits 'x/a\.png' and 'y/a\.png'"):
        open_dataset(folder, options=ReadOptions(labels=str(table)))
    table.write_text("file,kind\nx/a.png,1\ny/a.png,0\n")
    assert open_dataset(folder, options=ReadOptions(labels=str(table))).label_size == 2


def test_a_table_that_is_missing_is_refused(make_folder, make_image):
    folder = make_folder({"a.png": make_image(0)})
    with pytest.raises(DataError, match=r"--labels nowhere\.csv: wanted none, folders, or a table"):
        open_dataset(folder, options=ReadOptions(labels="nowhere.csv"))
