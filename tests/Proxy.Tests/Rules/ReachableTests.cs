using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Proxy.Rules;

namespace Hanbae.Proxy.Tests.Rules;

/// <summary>Which endpoints answer, by their conditions and hints, seen from node <c>here</c> in zone <c>z</c>.</summary>
public sealed class ReachableTests
{
    /// <param name="text">Endpoints as <c>last byte of the address @ node, state, hints</c>; state r (ready), n (not), s (serving while it ends), u (ending, of serving nothing is said), d (ending, no longer serving); hints such as <c>z</c> (zone) or <c>+here</c> (node).</param>
    static EndpointSlice Slice(string text) => new()
    {
        AddressType = "IPv4",
        Ports = [new() { Name = "http", Protocol = "TCP", Port = 80 }],
        Endpoints = [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Endpoint)],
    };

    static Endpoint Endpoint(string text)
    {
        string[] parts = text.Split('@', ','), hints = parts[3..];
        return new()
        {
            Addresses = ["10.0.0." + parts[0]], NodeName = parts[1],
            Conditions = new() { Ready = parts[2] == "r", Serving = parts[2] == "u" ? null : parts[2] is "r" or "s", Terminating = parts[2] is "s" or "u" or "d" },
            Hints = hints.Length == 0 ? null : new()
            {
                ForZones = [.. hints.Where(h => h[0] != '+').Select(h => new ForZone { Name = h })],
                ForNodes = [.. hints.Where(h => h[0] == '+').Select(h => new ForNode { Name = h[1..] })],
            },
        };
    }

    [Theory]
    [InlineData("1@here,r 2@there,r 3@here,n", "1 2", "1")]
    [InlineData("1@here,s 2@there,r", "2", "1")]
    [InlineData("1@here,s 2@here,d 3@there,s", "1 3", "1")]
    [InlineData("1@here,s 2@here,r 3@there,d", "2", "2")]
    [InlineData("1@there,n 2@there,d", "", "")]
    [InlineData("1@here,u 2@there,d", "1", "1")]
    [InlineData("1@here,r,z 2@there,r,z 3@there,r,y", "1 2", "1")]
    [InlineData("1@here,r,y 2@there,r,z 3@there,r", "1 2 3", "1")]
    [InlineData("1@here,r,y 2@there,r,x", "1 2", "1")]
    [InlineData("1@here,r,y 2@there,r,z 3@there,s", "2", "1")]
    [InlineData("1@here,s,y 2@there,s,z", "1 2", "1")]
    [InlineData("1@here,r,z,+here 2@there,r,z,+there", "1", "1")]
    [InlineData("1@other,r,z,+other 2@there,r,y,+there", "1", "")]
    [InlineData("1@here,r,z,+here 2@there,r,z", "1 2", "1")]
    public void Those_that_are_ready_and_near_answer_and_those_that_end_when_nobody_else_does(string endpoints, string cluster, string local)
    {
        var found = Reachable.From([Slice(endpoints)], new() { Name = "http", Protocol = "TCP", Port = 80 }, new("here", "z"));

        Assert.Equal((cluster, local), (Text(found.Cluster), Text(found.Local)));
        Assert.Equal(cluster.Length > 0, found.Anywhere);

        static string Text(IEnumerable<Target> targets) => string.Join(' ', targets.Select(t => t.Address["10.0.0.".Length..]));
    }

    [Fact]
    public void An_endpoint_in_two_slices_is_ready_when_one_says_so() =>
        Assert.Equal("10.0.0.1", Assert.Single(Reachable.From([Slice("1@here,r"), Slice("1@here,n")], new() { Name = "http", Protocol = "TCP", Port = 80 }, new("here")).Cluster).Address);
}
