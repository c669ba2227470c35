from medzoo import zoo_access


def test_the_zoo_loads_models_for_parts_below_it():
    model = zoo_access.load_model("ixi_sex_resnet")
    assert model.recipe["name"] == "ixi_sex_resnet"


def test_another_loader_takes_its_place(monkeypatch):
    monkeypatch.setattr(zoo_access, "_LOADERS", [])
    zoo_access.set_loader(str.upper)
    assert zoo_access.load_model("a@1.0") == "A@1.0"
