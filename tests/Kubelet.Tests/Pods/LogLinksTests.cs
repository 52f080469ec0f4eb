using Hanbae.Cri.Fake;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Tests.Pods;

public sealed class LogLinksTests
{
    [Fact]
    public async Task Logs_are_named_by_container_where_collectors_look_as_long_as_they_are_there()
    {
        using var bench = new PodBench(("app", FakeProgram.Exits(1) with { Output = [new("stdout", "out")] }));
        string links = Path.Combine(Path.GetDirectoryName(bench.Options.Folders.Data)!, "containers");
        var folders = bench.Options.Folders with { Links = links };
        var pod = Make.Pod(Make.Container("app", "app"));
        var worker = new PodWorker(bench.Context with { Options = bench.Options with { Folders = folders } }, pod);
        await worker.SyncAsync(default);
        for (int i = 0; i < 3; i++) // two ends are kept for who asks
        {
            bench.Time.Advance(600);
            await worker.SyncAsync(default);
        }
        string[] ids = [.. worker.Runtime!.Containers.Select(c => c.Id).Order(StringComparer.Ordinal)];
        Assert.InRange(ids.Length, 2, 3);
        Assert.Equal(ids.Select(id => $"web_default_app-{id}.log"), Directory.GetFiles(links).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        foreach (string link in Directory.GetFiles(links))
        {
            Assert.StartsWith(folders.Log("default", "web", pod.Metadata.Uid) + "/app/", new FileInfo(link).LinkTarget);
            Assert.EndsWith(" F out\n", await File.ReadAllTextAsync(link));
        }

        // One that a kubelet before this left behind, and one of another Pod of that name.
        File.CreateSymbolicLink(Path.Combine(links, "web_default_app-lost.log"), folders.Log("default", "web", pod.Metadata.Uid) + "/app/9.log");
        File.CreateSymbolicLink(Path.Combine(links, "web_default_app-other.log"), folders.Log("default", "web", "other") + "/app/0.log");
        worker.Update(pod.Deleted(bench.Time.GetUtcNow()));
        for (int i = 0; i < 5 && !worker.Done; i++) await worker.SyncAsync(default);
        Assert.True(worker.Done);
        Assert.Equal(["web_default_app-other.log"], Directory.GetFiles(links).Select(f => Path.GetFileName(f)));
    }

    [Fact]
    public void A_name_is_no_longer_than_a_file_may_have()
    {
        var pod = Make.Pod() is var made ? made with { Metadata = made.Metadata with { Name = new('n', 253) } } : null!;
        string path = LogLinks.PathOf(new("/d", "/l") { Links = "/c" }, pod, "app", "id")!;
        Assert.Equal(255, Path.GetFileName(path).Length);
        Assert.EndsWith(".log", path);
        Assert.Null(LogLinks.PathOf(new("/d", "/l"), pod, "app", "id"));
    }
}
