using Hanbae.Host.Images;
using Hanbae.Host.Runtime;
using Hanbae.Host.Tests.Runtime;

namespace Hanbae.Host.Tests.Images;

[Collection("real node")]
public sealed class ImageStoreTests
{
    [ContainerFact]
    public async Task Images_go_in_and_out_under_the_names_people_give()
    {
        using var scratch = new Scratch();
        await using var node = new RealNode();
        await node.StartAsync();
        var store = new ImageStore(node.Paths.Endpoint);
        Directory.CreateDirectory(scratch / "root");
        File.WriteAllText(scratch / "root/hello", "hello");
        await RootfsImage.BuildAsync(scratch / "root", "app:1", new() { Cmd = ["/hello"] }, scratch / "app.tar", TimeProvider.System, default);

        Assert.Equal(["docker.io/library/app:1"], await store.ImportAsync(scratch / "app.tar", null, false, default));
        Assert.Equal(["registry.example/team/app:2"], await store.ImportAsync(scratch / "app.tar", "registry.example/team/app:2", false, default));
        await UntilListedAsync(store, "docker.io/library/app:1", "registry.example/team/app:2");
        await store.ExportAsync(scratch / "out.tar", ["app:1"], default);
        Assert.Equal(["docker.io/library/app:1"], (await ArchiveFile.InspectAsync(scratch / "out.tar", default)).Names);

        await store.RemoveAsync("app:1", force: false, default);
        Assert.DoesNotContain("docker.io/library/app:1", await UntilListedAsync(store, "registry.example/team/app:2", without: "docker.io/library/app:1"));
        await store.RemoveAsync("registry.example/team/app:2", force: false, default);
        Assert.Equal([PauseImage.Name], await UntilListedAsync(store, PauseImage.Name, without: "registry.example/team/app:2"));
        Assert.Contains("it stays", (await Assert.ThrowsAsync<ImageException>(() => store.RemoveAsync(PauseImage.Name, force: false, default))).Message);
        Assert.Contains("there is no image docker.io/library/app:1", (await Assert.ThrowsAsync<ImageException>(() => store.RemoveAsync("app:1", force: false, default))).Message);
    }

    [ContainerFact]
    public async Task The_example_prepares_a_busybox_that_runs()
    {
        await using var node = new RealNode();
        await node.StartAsync();
        await node.ImportBusyboxAsync();

        var ran = await node.RunAsync([], "id -un; echo $PATH; stat -c %a /tmp");

        Assert.Equal("root\n/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n1777\n", ran.Output);
    }

    // CRI learns of images by containerd's events, a moment later.
    static async Task<IReadOnlyList<string>> UntilListedAsync(ImageStore store, string name, string? also = null, string? without = null)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            string[] names = [.. (await store.ListAsync(limit.Token)).SelectMany(i => i.Names)];
            if (names.Contains(name) && (also is null || names.Contains(also)) && (without is null || !names.Contains(without))) return names;
            await Task.Delay(20, limit.Token);
        }
    }
}
