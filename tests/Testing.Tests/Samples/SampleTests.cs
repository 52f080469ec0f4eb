using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Kit;
using Samples;

namespace Hanbae.Testing.Tests.Samples;

/// <summary>The samples of the documentation, run as programs against a cluster that they reach by a kubeconfig.</summary>
public sealed class SampleTests
{
    static readonly CancellationToken s_none = CancellationToken.None;

    static Pod Pod(string name) => new() { Metadata = new() { Name = name, Namespace = "default" }, Spec = new() { Containers = [new() { Name = "c", Image = "c:1" }] } };

    static Running Start(string sample, Doorway door, params string[] arguments) =>
        Running.Dotnet([Running.Sample(sample), .. arguments], new Dictionary<string, string> { ["KUBECONFIG"] = door.Kubeconfig });

    [Fact]
    public void The_watcher_has_ten_lines() => Assert.Equal(10, File.ReadAllLines(Path.Combine(Repository.Root, "samples/Watcher/Program.cs")).Length);

    [Fact]
    public async Task A_watcher_in_ten_lines_tells_what_changes()
    {
        await using var cluster = await TestCluster.StartAsync(new() { Nodes = 1 });
        await cluster.Client.CreateAsync(Pod("before"), s_none);
        await using var watcher = Start("Watcher", await cluster.OpenAsync(), "default");
        await watcher.UntilAsync("Added default/before");
        await cluster.Client.CreateAsync(Pod("after"), s_none);
        await watcher.UntilAsync("Added default/after");
        await watcher.UntilAsync("Modified default/after Running");
        await cluster.Client.DeleteAsync<Pod>(new("default", "after"), new() { GracePeriodSeconds = 0 }, s_none);
        await watcher.UntilAsync("Deleted default/after");
    }

    [Fact]
    public async Task An_informer_answers_from_its_index()
    {
        await using var cluster = await TestCluster.StartAsync(new() { Nodes = 1 });
        await cluster.Client.CreateAsync(Pod("one"), s_none);
        await using var informer = Start("Informer", await cluster.OpenAsync());
        await informer.UntilAsync("added default/one");
        await cluster.Client.CreateAsync(Pod("two"), s_none);
        await informer.UntilAsync("updated default/two: Pending > Running");
        await informer.SayAsync("simulated-0");
        await informer.UntilAsync("on simulated-0: one two");
        informer.CloseInput();
        Assert.Equal(0, await informer.EndAsync());
    }

    [Fact]
    public async Task The_operator_installs_its_kind_and_works()
    {
        await using var cluster = await TestCluster.StartAsync(new() { Nodes = 1 });
        await using var program = Start("Operator", await cluster.OpenAsync());
        await program.UntilAsync("watching websites");
        await cluster.Client.CreateAsync(new Website { Metadata = new() { Name = "shop", Namespace = "default" }, Spec = new() { Image = "shop:1", Replicas = 2 } }, s_none);
        await cluster.WhenAsync<Website>(new("default", "shop"), w => w is { Status: { Ready: 2, Phase: "Open" } });
        await cluster.Client.DeleteAsync<Website>(new("default", "shop"), new(), s_none);
        await cluster.WhenAsync<Website>(new("default", "shop"), w => w is null);
    }
}
