"""Settings: where they come from, which wins, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gatewright.cli.main import main
from gatewright.errors import ConfigurationError
from gatewright.settings import OPTIONS, SECRETS, Settings, administrator, load


def settings(
    command_line: dict[str, object] | None = None, environment: dict[str, str] | None = None, file: Path | None = None
) -> Settings:
    return load({"data": "/d", **(command_line or {})}, environment or {}, file)


def test_defaults() -> None:
    found = settings()
    assert (found.host, found.port) == ("127.0.0.1", 8080)
    assert (found.plane, found.region, found.quota_vpn_gateways) == ("simulated", "cn-hangzhou", 30)
    assert found.database == "sqlite:////d/api/gatewright.db"
    assert found.public_pool.num_addresses >= 1_000_000
    assert settings({"plane": "linux"}).public_pool.num_addresses > 100_000


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "gatewright.toml"
    file.write_text('region = "cn-beijing"\nlisten = "127.0.0.1:1"\nquota_vpn_gateways = 7\n')
    environment = {"GATEWRIGHT_LISTEN": "127.0.0.1:2", "GATEWRIGHT_REGION": "cn-shanghai"}
    found = settings({"region": "cn-chengdu"}, environment, file)
    assert (found.region, found.port, found.quota_vpn_gateways) == ("cn-chengdu", 2, 7)


def test_every_option_can_be_set_in_the_environment() -> None:
    values = {
        "data": "/elsewhere",
        "listen": "[::1]:3",
        "database": "postgresql://u@h/d",
        "plane": "simulated",
        "region": "cn-beijing",
        "allow_plaintext": "true",
        "control": "true",
        "control_listen": "192.0.2.1:4",
        "link_listen": "",
        "metrics_listen": "192.0.2.1:6",
        "underlay": "192.0.2.9",
        "public_pool": "192.0.2.0/24",
        "charge_types": "POSTPAY",
        "quota_vpn_gateways": "5",
        "quota_public_addresses": "6",
        "quota_vpcs": "8",
        "quota_vswitches": "7",
        "quota_customer_gateways": "4",
        "quota_vpn_connections": "11",
        "quota_vpn_attachments": "13",
        "quota_vpn_routes": "12",
        "busy_gateways": "refuse",
        "weak_algorithms": "refuse",
        "connections": "9",
        "api_user": "nobody",
        "throttling": "exact",
        "tls_cert": "/server.crt",
        "tls_key": "/server.key",
        "health_interval": "250",
        "cache": "true",
        "trace_endpoint": "http://192.0.2.7:4318",
        "log_level": "INFO",
        "log_format": "text",
    }
    # of the linux plane, which is not steered
    uplink = {"uplink": "eth1", "uplink_mode": "proxy-arp"}
    assert {*values, *uplink} == {option.name for option in OPTIONS}
    found = load({}, {f"GATEWRIGHT_{name.upper()}": value for name, value in values.items()}, None)
    assert (found.host, found.port, found.data) == ("::1", 3, Path("/elsewhere"))
    assert found.allow_plaintext
    assert (found.control, found.control_host, found.control_port) == (True, "192.0.2.1", 4)
    linux = load({}, {"GATEWRIGHT_PLANE": "linux", "GATEWRIGHT_LINK_LISTEN": "192.0.2.1:5"}, None)
    assert (linux.plane, linux.link_host, linux.link_port) == ("linux", "192.0.2.1", 5)
    assert (found.underlay, found.link_host) == ("192.0.2.9", "")
    assert (found.metrics_host, found.metrics_port) == ("192.0.2.1", 6)
    assert found.trace_endpoint == "http://192.0.2.7:4318/v1/traces"
    assert str(found.public_pool) == "192.0.2.0/24"
    assert (found.charge_types, found.quota_public_addresses, found.quota_vswitches) == (("POSTPAY",), 6, 7)
    assert found.quota_customer_gateways == 4
    assert found.quota_vpcs == 8
    assert found.health_interval == 250
    assert (found.quota_vpn_connections, found.quota_vpn_routes, found.quota_vpn_attachments) == (11, 12, 13)
    assert (found.busy_gateways, found.weak_algorithms) == ("refuse", "refuse")
    assert (found.database, found.quota_vpn_gateways) == ("postgresql://u@h/d", 5)
    assert (found.log_level, found.log_format) == ("INFO", "text")
    assert (found.throttling, found.connections, found.api_user) == ("exact", 9, "nobody")


def test_a_path_that_no_socket_can_have_is_refused_where_there_is_a_socket() -> None:
    longest = "/" + "d" * (107 - len("//api/agent.sock"))
    assert len(str(settings({"data": longest, "plane": "linux"}).agent_socket)) == 107
    assert settings({"data": longest + "d"}).data == Path(longest + "d")
    with pytest.raises(ConfigurationError, match="108 bytes, and the system allows 107"):
        settings({"data": longest + "d", "plane": "linux"})


def test_a_relative_database_stays_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings({"database": "sqlite:///x.db"}).database_file == tmp_path / "x.db"
    assert settings({"database": "postgresql://u@h/d"}).database_file is None


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "192.0.2.1:80", "[::]:80", ":8080", "example.org:80"])
def test_beyond_loopback_plaintext_must_be_allowed(listen: str) -> None:
    with pytest.raises(ConfigurationError, match="--allow-plaintext"):
        settings({"listen": listen})
    assert settings({"listen": listen, "allow_plaintext": True}).allow_plaintext


def test_the_control_api_is_off_unless_asked_for_and_for_the_simulated_plane_alone() -> None:
    assert not settings().control
    found = settings({"control": True})
    assert (found.control, found.control_host, found.control_port) == (True, "127.0.0.1", 0)
    assert settings({}, {"GATEWRIGHT_CONTROL": "true"}).control
    with pytest.raises(ConfigurationError, match="simulated"):
        settings({"control": True, "plane": "linux"})
    with pytest.raises(ConfigurationError, match=r"control_listen: 0\.0\.0\.0 is not a loopback address"):
        settings({"control": True, "control_listen": "0.0.0.0:1"})
    assert settings({"control": True, "control_listen": "0.0.0.0:1", "allow_plaintext": True}).control_port == 1
    with pytest.raises(ConfigurationError, match=r"^control_listen .* add --control$"):
        settings({"control_listen": "127.0.0.1:1"})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"link_listen": "0.0.0.0:1"}, "name the address"),
        ({"link_listen": ":1"}, "name the address"),
        ({"link_listen": "192.0.2.1:0"}, "name the address"),
        ({"link_listen": "192.0.2.1"}, "write HOST:PORT"),
        ({"link_listen": "192.0.2.1:1", "plane": "simulated"}, "--plane linux"),
        ({"underlay": "2001:db8::1"}, "underlay is '2001:db8::1'"),
        ({"underlay": "192.0.2.0/24"}, "underlay is"),
    ],
)
def test_hosts_call_at_an_address_that_is_one(given: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        settings({"plane": "linux", **given})


@pytest.mark.parametrize("name", ["listen", "control_listen"])
@pytest.mark.parametrize("port", ["²", "٣", "", "-1", "65536", "1" * 5000, "1 ", "x"])
def test_a_port_is_a_number(name: str, port: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} is .*: write HOST:PORT"):
        settings({"control": True, name: f"127.0.0.1:{port}"})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("regoin = 'x'", "regoin"),
        ("plane = 'moon'", "plane"),
        ("quota_vpn_gateways = 'many'", "quota_vpn_gateways"),
        ("allow_plaintext = 'yes'", "allow_plaintext"),
        ("listen = [", "gatewright.toml"),
        ("listen = 'here'", "listen"),
        ("control_listen = 'here'", "control_listen"),
        ("public_pool = '10.0.0.1/8'", "public_pool"),
        ("public_pool = '10.0.0.0/30'", "public_pool"),
        ("quota_vpn_gateways = -1", "quota_vpn_gateways"),
        ("quota_vpcs = -1", "quota_vpcs"),
        ("health_interval = 49", "at least 50 milliseconds"),
        ("quota_vswitches = -1", "quota_vswitches"),
        ("charge_types = 'POSTPAY,FREE'", "charge_types"),
        ("charge_types = ''", "charge_types"),
        ("throttling = 'sometimes'", "throttling"),
        ("connections = 0", "connections"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "gatewright.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=named):
        settings(file=file)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "gatewright.toml"
    file.write_bytes('region = "münchen"'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"gatewright\.toml: byte 11 is not UTF-8"):
        settings(file=file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        settings(file=tmp_path / "none.toml")


def test_the_administrator() -> None:
    assert administrator({}) == (None, None, None)
    given = administrator({"GATEWRIGHT_ACCESS_KEY_ID": "k", "GATEWRIGHT_ACCESS_KEY_SECRET": "s3cret"})
    assert (given.key_id, given.secret) == ("k", "s3cret")
    assert "s3cret" not in repr(given)


@pytest.mark.parametrize(
    "environment",
    [
        {"GATEWRIGHT_ACCESS_KEY_ID": "k"},
        {"GATEWRIGHT_ACCESS_KEY_SECRET": "s"},
        {"GATEWRIGHT_ACCESS_KEY_ID": "k", "GATEWRIGHT_ACCESS_KEY_SECRET": ""},
        {"GATEWRIGHT_ACCESS_KEY_ID": "k", "GATEWRIGHT_ACCESS_KEY_SECRET": "s" * 129},
        {"GATEWRIGHT_ACCESS_KEY_ID": "k", "GATEWRIGHT_ACCESS_KEY_SECRET": "a\tb"},
        {"GATEWRIGHT_ACCOUNT_ID": "me"},
    ],
)
def test_a_wrong_administrator_is_refused_without_telling_the_secret(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        administrator(environment)
    assert "s" * 129 not in str(refused.value)


def test_an_uplink_is_an_interface_with_a_pool_that_is_routed() -> None:
    variables = {
        "GATEWRIGHT_PLANE": "linux",
        "GATEWRIGHT_PUBLIC_POOL": "198.51.100.0/24",
        "GATEWRIGHT_UPLINK": "eth1",
        "GATEWRIGHT_UPLINK_MODE": "proxy-arp",
    }
    found = settings(None, variables)
    assert (found.uplink, found.uplink_mode) == ("eth1", "proxy-arp")
    del variables["GATEWRIGHT_UPLINK_MODE"]
    assert settings(None, variables).uplink_mode == "routed"
    assert settings().uplink is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"uplink_mode": "routed"}, "there is none: name one"),
        ({"uplink": "eth1", "plane": "simulated"}, "of the linux plane"),
        ({"uplink": "eth1"}, "set public_pool to the network that is yours"),
        ({"uplink": "eth1", "public_pool": "240.0.0.0/8"}, "which no network routes"),
        ({"uplink": "an interface", "public_pool": "198.51.100.0/24"}, "the name of a link"),
        ({"uplink": "../../core", "public_pool": "198.51.100.0/24"}, "the name of a link"),
    ],
)
def test_an_uplink_that_cannot_be_is_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        settings({"plane": "linux"} | values)


def test_vswitches_are_bridges_of_the_host_by_tables_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "gatewright.toml"
    file.write_text('plane = "linux"\n[vswitches."vsw-1"]\nbridge = "br-lan"\n[vswitches."vsw-2"]\nbridge = "br-dmz"\n')
    assert settings(file=file).bridges == {"vsw-1": "br-lan", "vsw-2": "br-dmz"}
    assert settings().bridges == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('vswitches = "br-lan"', "write a table a vSwitch"),
        ('[vswitches]\nvsw-1 = "br-lan"', "write a table a vSwitch"),
        ('[vswitches.vsw-1]\nbridge = "br-lan"\n[vswitches.vsw-2]\nbridge = "br-lan"', "br-lan is vsw-1 already"),
        ("[vswitches.vsw-1]", "must be the name of a link"),
        ("[vswitches.vsw-1]\nbridge = 5", "must be the name of a link"),
        ('[vswitches.vsw-1]\nbridge = "br/../x"', "must be the name of a link"),
        ('[vswitches.vsw-1]\nbrigde = "br-lan"', "there is no 'brigde'"),
        ('plane = "simulated"\n[vswitches.vsw-1]\nbridge = "br-lan"', "of the linux plane"),
    ],
)
def test_wrong_tables_of_vswitches_are_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "gatewright.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=words):
        settings({"plane": None if "plane" in text else "linux"}, file=file)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3cret@h/d",
        "postgresql://u@h/d?password=s3cret",
        "postgresql:///d?sslmode=require&sslpassword=s3cret",
    ],
)
def test_a_password_on_the_command_line_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="set GATEWRIGHT_DATABASE instead"):
        settings({"database": url})
    assert settings(environment={"GATEWRIGHT_DATABASE": url}).database == url


def test_an_agents_environment_has_no_password_of_the_database() -> None:
    assert {"GATEWRIGHT_DATABASE", "PGPASSWORD"} <= set(SECRETS)


def test_a_command_line_says_database_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["serve"], ["half-agent", str(os.getppid()), "0"]):
        with pytest.raises(SystemExit):
            main([*arguments, "--datab", "postgresql://u@h/d"])
        assert "unrecognized arguments: --datab" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "most"), [("quota_vpn_connections", 500), ("quota_vpn_routes", 5000)])
def test_no_gateway_is_promised_more_than_hosts_are_told(name: str, most: int) -> None:
    assert getattr(load({name: most}, {}, None), name) == most
    with pytest.raises(ConfigurationError, match=f"{name} is {most + 1}: it can be {most}"):
        load({name: most + 1}, {}, None)
