using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Kubelet.Placement;

namespace Hanbae.Kubelet.Tests.Placement;

/// <summary>How wishes are merged: written as <c>01+ 11</c>, NUMA masks with a plus where preferred, resources by <c>;</c>, no preference as <c>-</c>, impossible as <c>!</c>.</summary>
public sealed class TopologyPolicyTests
{
    static readonly KubeletOptions s_options = new() { NodeName = "n", Folders = new("/d", "/l") };

    static TopologyPolicy Policy(string name, int nodes = 2, params (string, string)[] options) => TopologyPolicy.Of(
        s_options with { TopologyManagerPolicy = name, TopologyManagerPolicyOptions = Map.Of(options) }, new([new(0, 0, 0, 0, 0)], Machines.Nodes(nodes, 0)));

    static IEnumerable<IReadOnlyList<ResourceHints>> Wishes(string text) => text.Split('|').Select(p => (IReadOnlyList<ResourceHints>)(p.Trim().Length == 0 ? []
        : [.. p.Split(';').Select((r, i) => new ResourceHints($"r{i}", r.Trim() switch
        {
            "-" => null,
            "!" => [],
            var hints => [.. hints.Split(' ').Select(h => new TopologyHint(new NumaMask(Convert.ToUInt64(h.TrimEnd('+'), 2)), h.EndsWith('+')))],
        }))]));

    static string Text((TopologyHint Hint, bool Admit) merged) =>
        $"{(merged.Hint.Nodes is { } mask ? Convert.ToString((long)mask.Bits, 2).PadLeft(mask.Bits > 3 ? 4 : 2, '0') : "any")}{(merged.Hint.Preferred ? "+" : "")} {(merged.Admit ? "runs" : "refused")}";

    [Theory]
    [InlineData("", "11+ runs")] // nobody cares
    [InlineData("-", "11+ runs")]
    [InlineData("!", "11 runs")]
    [InlineData("01+ 10+ 11", "01+ runs")]
    [InlineData("01+ 10+ 11 | 10+ 11", "10+ runs")]
    [InlineData("01+ | 10+", "11 runs")] // nothing in common
    [InlineData("01+ 10+ | -", "01+ runs")]
    [InlineData("01+ 11 | 11+", "11 runs")] // what is not the same for all is not at its best
    [InlineData("11 | 01+ 10+ 11", "11 runs")]
    [InlineData("01+ 10+ ; 10+ 11", "10+ runs")]
    [InlineData("11 | 11", "11 runs")]
    [InlineData("01 | 11", "01 runs")]
    public void Best_effort_takes_the_best_there_is(string wishes, string outcome) => Assert.Equal(outcome, Text(Policy(TopologyPolicy.BestEffort).Merge(Wishes(wishes))));

    [Theory]
    [InlineData("", "11+ runs")]
    [InlineData("!", "11 refused")]
    [InlineData("01+ 10+ 11 | 10+ 11", "10+ runs")]
    [InlineData("01+ | 10+", "11 refused")]
    [InlineData("11+", "11+ runs")] // it could not be had on one
    [InlineData("11", "11 refused")]
    public void Restricted_refuses_what_is_not_at_its_best(string wishes, string outcome) => Assert.Equal(outcome, Text(Policy(TopologyPolicy.Restricted).Merge(Wishes(wishes))));

    [Theory]
    [InlineData("", "any+ runs")]
    [InlineData("01+ 10+ 11 | 10+ 11", "10+ runs")]
    [InlineData("11+", "any refused")]
    [InlineData("01+ 11+ | 01+ 11+", "01+ runs")]
    [InlineData("01+ | 10+", "any refused")]
    [InlineData("!", "any refused")]
    [InlineData("01+ | -", "01+ runs")]
    public void Single_node_refuses_what_lies_on_two(string wishes, string outcome) => Assert.Equal(outcome, Text(Policy(TopologyPolicy.SingleNode).Merge(Wishes(wishes))));

    [Fact]
    public void No_policy_asks_nobody() => Assert.Equal("any+ runs", Text(Policy(TopologyPolicy.None).Merge(Wishes("!"))));

    [Theory]
    [InlineData("0011 0101 1001 0110 1111", "11 runs")]
    [InlineData("1111 | 0011 1100 0111", "0111 runs")] // as many nodes as the neediest resource needs at least
    [InlineData("0001 0011 0111 1111 | 0011 0111 1111 | 0111 1111", "0111 runs")]
    public void Of_what_nobody_prefers_as_many_nodes_are_taken_as_are_needed(string wishes, string outcome) =>
        Assert.Equal(outcome, Text(Policy(TopologyPolicy.BestEffort, 4).Merge(Wishes(wishes))));

    [Fact]
    public void Near_nodes_are_preferred_where_that_is_asked()
    {
        string wishes = "1001+ 1100+";
        Assert.Equal("1001+ runs", Text(Policy(TopologyPolicy.BestEffort, 4).Merge(Wishes(wishes))));
        Assert.Equal("1100+ runs", Text(Policy(TopologyPolicy.BestEffort, 4, ("prefer-closest-numa-nodes", "true")).Merge(Wishes(wishes))));
    }

    [Theory]
    [InlineData("other", 2, "", "", "unknown policy: \"other\"")]
    [InlineData("restricted", 9, "", "", "unsupported on machines with more than 8 NUMA Nodes")]
    [InlineData("restricted", 2, "closest", "true", "unknown Topology Manager Policy option: \"closest\"")]
    [InlineData("restricted", 2, "max-allowable-numa-nodes", "4", "the minimum value of \"max-allowable-numa-nodes\" is 8")]
    [InlineData("restricted", 2, "prefer-closest-numa-nodes", "ja", "bad value for option \"prefer-closest-numa-nodes\": strconv.ParseBool: parsing \"ja\": invalid syntax")]
    public void Settings_that_cannot_be_are_refused(string policy, int nodes, string option, string value, string why) =>
        Assert.Equal(why, Assert.Throws<PlacementSettingsException>(() => option.Length == 0 ? Policy(policy, nodes) : Policy(policy, nodes, (option, value))).Message);

    [Fact]
    public void A_machine_of_many_nodes_can_be_allowed() => Assert.Equal("restricted", Policy("restricted", 9, ("max-allowable-numa-nodes", "16")).Name);
}
