"""What is known to go wrong with ESP, IKE and BGP as they are used here, each with the test that would notice.

With the kernel's ESP:

- swanctl loads every plugin there is, and takes seconds
    test_pitfalls.py::test_the_plane_speaks_to_charon_itself
- a first tunnel waits for modules, longer than its peer
    test_kernel_esp.py::test_the_kernel_is_chosen_to_carry_esp_and_has_what_a_first_tunnel_needs
- there are always policies: charon's own, for its sockets
    test_kernel_esp.py::test_two_tunnels_to_everywhere_do_not_take_each_others_packets
- old states stay for seconds after rekeying
    test_kernel_esp.py::test_a_tunnel_that_is_rekeyed_carries_on_though_the_old_states_linger
- states are looked up where an XFRM interface was made
    test_kernel_esp.py::test_a_link_that_is_gone_or_another_is_made_anew
- ... and with its number; without one there is none
    test_kernel_esp.py::test_a_link_that_is_gone_or_another_is_made_anew
- ... which two in a namespace cannot have
    test_kernel_esp.py::test_a_link_that_was_renamed_is_made_anew
- an interface needs no link below it
    test_kernel_esp.py::test_a_tunnels_link_is_an_xfrm_interface_with_room_for_esp
- its MTU is 1500, which ESP has no room for
    test_kernel_esp.py::test_a_tunnels_link_is_an_xfrm_interface_with_room_for_esp
- nothing else of it need be set
    test_kernel_esp.py::test_nothing_of_ipsec_need_be_set_of_a_link
- without states, packets might go in the clear
    test_kernel_esp.py::test_without_states_nothing_leaves_in_the_clear
- two tunnels to everywhere without a number: one is dead
    test_esp.py::test_what_is_in_the_kernel_is_always_marked_with_the_tunnels_number
- what a killed charon leaves carries on, and stays
    test_kernel_esp.py::test_what_a_killed_charon_left_is_flushed_and_tunnels_come_back
- an interface counts several packets as one
    test_kernel_esp.py::test_what_went_through_is_counted_where_packets_are_as_they_are_sent
- lists of SAs show numbers as no tool takes them
    test_tunnel_rules.py::test_status
- bypass-lan lets traffic around the tunnels
    test_esp.py::test_the_plugin_that_carries_esp_comes_first
- probes are written to a link that has no hardware address
    test_kernel_esp.py::test_health_is_asked_through_a_link_of_the_kernels
- charon is refused what its capabilities do not cover
    test_tunnels.py::test_a_tunnel_carries_packets_both_ways_and_leaves_nothing_behind

With charon's own ESP:

- fewer than 9 threads: VICI hangs
    test_pitfalls.py::test_charon_is_told_what_it_does_not_do_by_itself
- it installs routes whatever it is told, before main
    test_pitfalls.py::test_charon_is_told_what_it_does_not_do_by_itself
- no such route without a local address: no CHILD SA
    test_tunnel_peers.py::test_ikev1_has_a_child_for_each_pair_of_subnets
- ... nor without a device of the name that it gave
    test_tunnel_leftovers.py::test_what_stands_for_charons_device_is_mended
- packets of 1400 bytes and more do not fit
    test_tunnels.py::test_a_tunnel_carries_packets_both_ways_and_leaves_nothing_behind
- its device goes with it, by whatever it ends
    test_failover.py::test_packets_go_by_the_tunnel_that_carries
- a charon on another port than 500 hears no peer behind NAT
    test_tunnel_peers.py::test_three_peers_with_the_same_selectors_and_one_of_them_behind_nat
- a second charon steals the socket of the first
    test_adoption.py::test_a_charon_whose_socket_file_is_gone_is_replaced_and_not_doubled

With either:

- tunnels to one peer cannot be told apart by its address
    test_tunnel_peers.py::test_a_second_tunnel_to_the_same_peer_is_told_apart_or_told_of
- a peer behind NAT calls itself what it is at home
    test_tunnel_peers.py::test_three_peers_with_the_same_selectors_and_one_of_them_behind_nat
- NAT forgets a peer and gives it another port
    test_tunnel_peers.py::test_a_peer_to_which_nat_gives_another_port_is_found_again
- errors about what is too large go to the instance's address
    test_filters.py::test_errors_about_what_a_tunnels_charon_sent_reach_it
- of two keys for one identity charon takes the wrong one
    test_tunnel_keys.py::test_peers_that_call_themselves_the_same_have_keys_of_their_own
- SAs go on with the old proposal and key
    test_tunnel_changes.py::test_changes_are_in_force_and_leave_the_others_alone
- a rekeyed CHILD SA is listed for seconds more
    test_tunnel_rules.py::test_status
- events come between a command and its answer
    test_vici_session.py::test_commands_events_and_listings
- VICI does not tell proposals and keys: who adopts must know
    test_tunnel_changes.py::test_who_comes_after_a_killed_agent_adopts_tunnels_as_they_stand
- charon in the agent's process group dies with it
    test_crash.py::test_a_killed_agent
- BIRD waits a minute after an error
    test_bgp_tunnels.py::test_routes_come_and_go_with_the_session_and_its_state_is_told
- a burst of the shaper that is too large or too small is heard in the rate
    test_shaping.py::test_the_ordered_bandwidth_is_on_the_wire
- a name of BIRD's language is no name
    test_bird_config.py::test_names_of_protocols_are_their_tunnels_and_addresses
"""

from __future__ import annotations

import re
from pathlib import Path

import gatewright.plane.linux
from gatewright.plane.linux import charon_config
from gatewright.plane.linux.esp import Backend

HERE = Path(__file__).parent


def test_each_has_a_test() -> None:
    assert __doc__ is not None
    told = [line for line in __doc__.splitlines() if line.startswith(("- ", "    "))]
    known, tests = told[::2], told[1::2]
    assert all(line.startswith("- ") for line in known)
    for named in tests:
        file, _, test = named.strip().partition("::")
        assert f"def {test}(" in (HERE / file).read_text(), named


def test_the_plane_speaks_to_charon_itself() -> None:
    for module in Path(gatewright.plane.linux.__file__).parent.rglob("*.py"):
        assert not re.search(r'["/]swanctl["\s]', module.read_text()), module


def test_charon_is_told_what_it_does_not_do_by_itself() -> None:
    text = charon_config.render(Backend.USERSPACE, "uplink", Path("/r/vici"), Path("/r/log"))
    told = dict(re.findall(r"^ +(\w+) = (\S+)$", text, re.MULTILINE))
    assert int(told["threads"]) >= 9
    # after main, which leads everywhere (32766)
    assert int(told["routing_table_prio"]) > 32766
