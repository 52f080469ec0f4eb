using Hanbae.Cri;
using Hanbae.Cri.Fake;
using Hanbae.Kubelet.Images;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Tests.Images;

public sealed class ImageGcTests
{
    static readonly (string, FakeProgram)[] s_images = [("used:1", FakeProgram.Forever), ("old:1", FakeProgram.Forever), ("pinned:1", FakeProgram.Forever)];

    static async Task<string[]> NamesAsync(PodBench bench) => [.. (await bench.Cri.ListImagesAsync(default)).SelectMany(i => i.RepoTags).Order(StringComparer.Ordinal)];

    [Fact]
    public async Task Images_go_that_nobody_uses_pins_or_pulled_of_late()
    {
        using var bench = new PodBench(s_images);
        foreach (var (name, _) in s_images) await bench.Cri.PullImageAsync(new() { Image = name }, null, null, default);
        Directory.CreateDirectory(bench.Options.Folders.Data);
        await File.WriteAllTextAsync(Path.Combine(bench.Options.Folders.Data, "pinned-images"), "# keep\npinned:1\n");
        await bench.SettleAsync(Make.Pod(Make.Container("app", "used:1")));
        var gc = new ImageGc(bench.Context);
        Assert.Equal(0, await gc.FreeAsync(long.MaxValue, default)); // all were found just now
        bench.Time.Advance(121);
        Assert.True(await gc.FreeAsync(long.MaxValue, default) > 0);
        Assert.Equal(["docker.io/library/pinned:1", "docker.io/library/used:1"], await NamesAsync(bench));
    }

    [Fact]
    public async Task Unused_images_go_when_they_are_too_old()
    {
        using var bench = new PodBench(s_images);
        await bench.Cri.PullImageAsync(new() { Image = "old:1" }, null, null, default);
        var gc = new ImageGc(bench.Context with { Options = bench.Options with { ImageMaximumAge = TimeSpan.FromHours(1) } });
        await gc.OnceAsync(default);
        Assert.Single(await NamesAsync(bench));
        bench.Time.Advance(3601);
        await gc.OnceAsync(default);
        Assert.Empty(await NamesAsync(bench));
        var text = new PrometheusText();
        bench.Context.Figures.Render(text);
        Assert.Contains("kubelet_image_garbage_collected_total{reason=\"age\"} 1", text.ToString());
    }

    [Fact]
    public async Task Who_needs_room_waits_for_who_looks()
    {
        using var bench = new PodBench(s_images);
        int inside = 0, most = 0;
        var gc = new ImageGc(bench.Context)
        {
            Pods = () =>
            {
                most = Math.Max(most, Interlocked.Increment(ref inside));
                for (int i = 0; i < 200; i++) Thread.Yield();
                Interlocked.Decrement(ref inside);
                return [];
            },
        };
        await Task.WhenAll(Enumerable.Range(0, 32).Select(i => Task.Run(() => i % 2 == 0 ? gc.OnceAsync(default) : gc.FreeAsync(1, default))));
        Assert.Equal(1, most);
    }
}
