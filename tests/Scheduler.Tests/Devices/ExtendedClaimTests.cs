using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Scheduler.Devices;

namespace Hanbae.Scheduler.Tests.Devices;

public sealed class ExtendedClaimTests
{
    /// <param name="containers">Each is a name, a mark (i: init, s: sidecar, c: container) and what it asks for: gpus, then nics, where it does.</param>
    /// <param name="requests">Name, class and count of each request.</param>
    /// <param name="mappings">Container and request of each.</param>
    [Theory]
    [InlineData("a c 1", "0-0 gpu 1", "a 0-0")]
    // Counted are all that the container asks for, by name.
    [InlineData("a c cpu,1", "0-1 gpu 1", "a 0-1")]
    [InlineData("a c 1,memory", "0-0 gpu 1", "a 0-0")]
    [InlineData("a c 2;b c 1", "0-0 gpu 2|1-0 gpu 1", "a 0-0|b 1-0")]
    [InlineData("a c 1,nic", "0-0 gpu 1|0-1 nic 1", "a 0-0|a 0-1")]
    // What ends before others start needs nothing beside what they have.
    [InlineData("i i 1;a c 1", "1-0 gpu 1", "a 1-0|i 1-0")]
    [InlineData("i i 2;a c 1;b c 1", "1-0 gpu 1|2-0 gpu 1", "a 1-0|b 2-0|i 1-0|i 2-0")]
    [InlineData("i i 1;a c 1;b c 1", "1-0 gpu 1|2-0 gpu 1", "a 1-0|b 2-0|i 1-0")]
    // More than they have is asked for besides, and shared by all who end.
    [InlineData("i i 3;a c 1", "0-0 gpu 2|1-0 gpu 1", "a 1-0|i 1-0|i 0-0")]
    [InlineData("i i 2;j i 4;a c 1", "1-0 gpu 3|2-0 gpu 1", "a 2-0|i 2-0|i 1-0|j 2-0|j 1-0")]
    [InlineData("i i 2", "0-0 gpu 2", "i 0-0")]
    // A sidecar stays: who ends before it starts gets its devices, who comes after it does not.
    [InlineData("s s 1;a c 1", "0-0 gpu 1|1-0 gpu 1", "s 0-0|a 1-0")]
    [InlineData("i i 1;s s 1;j i 1;a c 0", "1-0 gpu 1|2-0 gpu 1", "s 1-0|i 1-0|j 2-0")]
    [InlineData("a c 0", "", "")]
    public void Containers_share_what_they_can(string containers, string requests, string mappings)
    {
        var all = containers.Split(';').Select(c => c.Split(' ')).ToList();
        Container Of(string[] c) => new() { Name = c[0], RestartPolicy = c[1] == "s" ? "Always" : null, Resources = new() { Requests = Asked(c[2]) } };
        var pod = Make.Pod("p").With(s => s with { InitContainers = [.. all.Where(c => c[1] != "c").Select(Of)], Containers = [.. all.Where(c => c[1] == "c").Select(Of)] });
        var (asked, mapped) = ExtendedClaim.Plan(pod, [new("example.com/gpu", "gpu"), new("example.com/nic", "nic")]);
        Assert.Equal(requests, string.Join('|', asked.Select(r => $"{Short(r.Name)} {r.Exactly!.DeviceClassName} {r.Exactly.Count}")));
        Assert.Equal(mappings, string.Join('|', mapped.Select(m => $"{m.ContainerName} {Short(m.RequestName)}")));
    }

    static Map<Quantity> Asked(string what) => what.Split(',').Aggregate(default(Map<Quantity>), (map, w) => w switch
    {
        "cpu" or "memory" => map.Set(w, Quantity.Parse("1")),
        "nic" => map.Set("example.com/nic", Quantity.Parse("1")),
        _ => map.Set("example.com/gpu", Quantity.Parse(w)),
    });

    static string Short(string request) => request.Replace("container-", "", StringComparison.Ordinal).Replace("request-", "", StringComparison.Ordinal);
}
