def test_the_table_goes_to_a_billion_parameters_and_a_trillion_tokens(course):
    code, out, _ = course("plan")
    assert code == 0
    rows = [line for line in out.splitlines() if line.startswith("llama_1b")]
    assert all("1100M" in row and "1000B" in row for row in rows) and len(rows) >= 3
    assert {row.split()[-1] for row in rows} == {"compute", "communication"}
    assert "TinyLlama" in out and "All within a factor of" in out


def test_one_preset_on_every_device(course):
    code, out, _ = course("plan", "gpt2_1558m", "--devices", 1, "--parallel", "ddp")
    limits = [line.split()[-1] for line in out.splitlines() if " x " in line]
    assert code == 0 and limits == ["memory", "memory", "compute", "compute", "compute", "compute"]


def test_bad_values(course):
    for arguments in (("gpt5",), ("gpt2_124m", "--hardware", "abacus")):
        code, _, err = course("plan", *arguments)
        assert code == 2 and "choose one of" in err and err.count("\n") == 1
