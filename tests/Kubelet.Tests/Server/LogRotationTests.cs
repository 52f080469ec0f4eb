using System.IO.Compression;
using Hanbae.Cri.Fake;
using Hanbae.Grpc;
using Hanbae.Kubelet.Runtime;
using Hanbae.Kubelet.Server;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Server;

public sealed class LogRotationTests : IDisposable
{
    readonly PodBench _bench = new(("app", FakeProgram.Forever));
    readonly string _folder = Directory.CreateTempSubdirectory("hanbae-logs-").FullName;

    public void Dispose()
    {
        _bench.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    async Task<(RuntimeContainer Container, LogRotation Rotation)> RunningAsync()
    {
        await _bench.SettleAsync(Make.Pod(Make.Container("app", "app")));
        var rotation = new LogRotation(_bench.Cri, null!, _bench.Options with { LogMaxBytes = 10, LogMaxFiles = 4 }, _bench.Time, NullLogger.Instance);
        return (_bench.Worker.Runtime!.Newest("app")!, rotation);
    }

    static string[] Names(string log) => [.. Directory.GetFiles(Path.GetDirectoryName(log)!).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    [Fact]
    public async Task So_many_files_stay_and_all_but_the_newest_that_was_moved_aside_are_compressed()
    {
        var (container, rotation) = await RunningAsync();
        var times = new List<string>();
        for (int i = 0; i < 5; i++)
        {
            await File.WriteAllTextAsync(container.LogPath, $"2030-01-01T00:00:0{i}Z stdout F line {i}\n");
            await rotation.RotateAsync(container, default);
            times.Add(_bench.Time.GetUtcNow().ToString("yyyyMMdd-HHmmss", System.Globalization.CultureInfo.InvariantCulture));
            _bench.Time.Advance(1);
        }
        Assert.Equal(["0.log", $"0.log.{times[2]}.gz", $"0.log.{times[3]}.gz", $"0.log.{times[4]}"], Names(container.LogPath));
        Assert.Equal(0, new FileInfo(container.LogPath).Length);
        Assert.Contains("line 4", await File.ReadAllTextAsync($"{container.LogPath}.{times[4]}"));
        await using var gzip = new GZipStream(File.OpenRead($"{container.LogPath}.{times[2]}.gz"), CompressionMode.Decompress);
        Assert.Equal("2030-01-01T00:00:02Z stdout F line 2\n", await new StreamReader(gzip).ReadToEndAsync());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode($"{container.LogPath}.{times[2]}.gz"));
    }

    [Fact]
    public async Task A_file_that_is_not_full_stays_and_one_that_is_gone_is_made_anew()
    {
        var (container, rotation) = await RunningAsync();
        await File.WriteAllTextAsync(container.LogPath, "short");
        await rotation.RotateAsync(container, default);
        Assert.Equal("short", await File.ReadAllTextAsync(container.LogPath));
        File.Delete(container.LogPath);
        await rotation.RotateAsync(container, default);
        Assert.Equal(["0.log"], Names(container.LogPath));
    }

    [Fact]
    public async Task A_runtime_that_does_not_open_a_new_file_has_its_old_one_back()
    {
        var (container, rotation) = await RunningAsync();
        await File.WriteAllTextAsync(container.LogPath, "long enough");
        await _bench.Cri.StopContainerAsync(container.Id, TimeSpan.Zero, default);
        await Assert.ThrowsAsync<GrpcException>(() => rotation.RotateAsync(container, default));
        Assert.Equal(["0.log"], Names(container.LogPath));
        Assert.Equal("long enough", await File.ReadAllTextAsync(container.LogPath));
    }

    [Fact]
    public void What_a_kubelet_left_half_done_is_put_right()
    {
        foreach (string name in (string[])["0.log", "0.log.1.gz", "0.log.2", "0.log.2.gz", "0.log.3", "0.log.3.tmp", "10.log", "10.log.1"]) File.WriteAllText(Path.Combine(_folder, name), "");
        string log = Path.Combine(_folder, "0.log");
        Assert.Equal(["0.log.1.gz", "0.log.2.gz", "0.log.3"], LogFiles.Aside(log).Select(f => Path.GetFileName(f)));
        LogFiles.Remove(log);
        Assert.Equal(["10.log", "10.log.1"], Names(log));
        LogFiles.Remove(""); // a container that never had one
    }
}
