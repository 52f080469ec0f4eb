using System.Collections.Immutable;
using Hanbae.Kubelet.Devices;

namespace Hanbae.Kubelet.Tests.Devices;

public sealed class DeviceChoiceTests
{
    static DeviceNeed Need(int count, params string[] healthy) => new() { Pod = "p", Container = "c", Resource = "example.com/gpu", Count = count, Healthy = Set(healthy) };

    static ImmutableSortedSet<string> Set(params string[] ids) => ids.ToImmutableSortedSet(StringComparer.Ordinal);

    static async Task<string> ChooseAsync(DeviceNeed need, params string[] preferred) =>
        string.Join(',', await DeviceChoice.ForAsync(need, (_, _, _) => Task.FromResult<IReadOnlyCollection<string>>(preferred)) ?? ["nothing to do"]);

    static async Task<string> RefusedAsync(DeviceNeed need) => (await Assert.ThrowsAsync<DeviceException>(() => ChooseAsync(need))).Message;

    [Fact]
    public async Task Free_ones_are_taken_and_preferred_ones_first()
    {
        Assert.Equal("a,b", await ChooseAsync(Need(2, "a", "b", "c")));
        Assert.Equal("b,c", await ChooseAsync(Need(2, "a", "b", "c"), "c", "b"));
        Assert.Equal("a,c", await ChooseAsync(Need(2, "a", "b", "c"), "c", "nobody"));
        Assert.Equal("b,c", await ChooseAsync(Need(2, "a", "b", "c") with { InUse = ["a"] }, "a"));
    }

    [Fact]
    public async Task What_init_containers_had_comes_before_anything_new()
    {
        Assert.Equal("c", await ChooseAsync(Need(1, "a", "b", "c") with { InUse = ["c"], Reusable = Set("c") }, "a"));
        Assert.Equal("a,c", await ChooseAsync(Need(2, "a", "b", "c") with { InUse = ["c"], Reusable = Set("c") }));
    }

    [Fact]
    public async Task Refusals_are_in_upstreams_words()
    {
        Assert.Equal("cannot allocate unregistered device example.com/gpu", await RefusedAsync(Need(1) with { Healthy = null }));
        Assert.Equal("no healthy devices present; cannot allocate unhealthy devices example.com/gpu", await RefusedAsync(Need(1)));
        Assert.Equal("requested number of devices unavailable for example.com/gpu. Requested: 2, Available: 1", await RefusedAsync(Need(2, "a", "b") with { InUse = ["a"] }));
        Assert.Equal("previously allocated devices are no longer healthy; cannot allocate unhealthy devices example.com/gpu", await RefusedAsync(Need(1, "b") with { Given = Set("a") }));
        Assert.Equal("pod \"p\" container \"c\" changed request for resource \"example.com/gpu\" from 1 to 2", await RefusedAsync(Need(2, "a", "b") with { Given = Set("a") }));
        Assert.Equal("nothing to do", await ChooseAsync(Need(1, "a") with { Given = Set("a"), InUse = ["a"] }));
    }
}
