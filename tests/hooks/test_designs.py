"""A model's design is that of the network that was saved last, whatever its address is."""

from later import needs

pytestmark = needs("torch")


def test_another_network_at_the_address_of_one_that_is_gone(lab):
    done = lab.run(
        """
        import autolog
        autolog.init()
        import torch
        addresses = set()
        for width in range(4, 100):
            model = torch.nn.Sequential(torch.nn.Linear(3, width))
            torch.save(model.state_dict(), "m.pt")
            if id(model) in addresses:
                break
            addresses.add(id(model))
            del model
        print(width)
        """,
        prelude="",
    )
    (width,) = done.lines
    assert int(width) < 99, "no address was used twice"
    assert f"out_features={width}," in lab.model().design
