using System.Text;
using Hanbae.Api;
using Hanbae.Kubelet.Server;

namespace Hanbae.Kubelet.Tests.Server;

public sealed class ContainerLogTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hanbae-log-").FullName;

    string Log => Path.Combine(_folder, "0.log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    async Task<string> Read(LogOptions options)
    {
        using var to = new MemoryStream();
        await ContainerLog.SendAsync(Log, options, _ => Task.FromResult(false), to, TimeProvider.System, default);
        return Encoding.UTF8.GetString(to.ToArray());
    }

    const string Three = "2030-01-01T00:00:01.000000001Z stdout F one\n2030-01-01T00:00:02.000000002Z stderr P tw\n2030-01-01T00:00:02.000000003Z stderr F o\n2030-01-01T00:00:03Z stdout F three\n";

    [Fact]
    public async Task Lines_lose_their_headers_and_parts_become_whole()
    {
        File.WriteAllText(Log, Three);
        Assert.Equal("one\ntwo\nthree\n", await Read(new()));
        Assert.Equal("2030-01-01T00:00:01.000000001Z one\n2030-01-01T00:00:02.000000002Z two\n2030-01-01T00:00:03Z three\n", await Read(new() { Timestamps = true }));
    }

    [Fact]
    public async Task A_part_may_be_asked_for()
    {
        File.WriteAllText(Log, Three);
        Assert.Equal("three\n", await Read(new() { TailLines = 1 }));
        Assert.Equal("", await Read(new() { TailLines = 0 }));
        Assert.Equal("one\ntwo\nthree\n", await Read(new() { TailLines = 100 }));
        Assert.Equal("three\n", await Read(new() { Since = new(2030, 1, 1, 0, 0, 3, TimeSpan.Zero) }));
        Assert.Equal("one\nt", await Read(new() { LimitBytes = 5 }));
        Assert.Equal("two\n", await Read(new() { Stderr = true }));
    }

    [Fact]
    public async Task Tails_of_long_logs_and_lines_longer_than_a_block_come_whole()
    {
        string big = new('x', 100_000);
        File.WriteAllText(Log, string.Concat(Enumerable.Range(0, 5000).Select(i => $"2030-01-01T00:00:01Z stdout F line {i}\n")) + $"2030-01-01T00:00:01Z stdout F {big}\n");
        Assert.Equal($"line 4999\n{big}\n", await Read(new() { TailLines = 2 }));
    }

    [Fact]
    public async Task Following_goes_on_in_the_new_file_after_a_rotation_and_ends_with_the_container()
    {
        File.WriteAllText(Log, "2030-01-01T00:00:01Z stdout F a\n");
        int looks = 0;
        using var to = new MemoryStream();
        await ContainerLog.SendAsync(Log, new() { Follow = true }, _ =>
        {
            switch (looks++)
            {
                case 0: // added to the old file after it was moved aside, as a runtime does until it is told to reopen
                    File.Move(Log, Log + ".1");
                    File.AppendAllText(Log + ".1", "2030-01-01T00:00:02Z stdout F b\n");
                    return Task.FromResult(true);
                case 1:
                    File.WriteAllText(Log, "2030-01-01T00:00:03Z stdout F c\n");
                    return Task.FromResult(true);
                default:
                    File.AppendAllText(Log, looks == 3 ? "2030-01-01T00:00:04Z stdout F d\n" : "");
                    return Task.FromResult(false);
            }
        }, to, TimeProvider.System, default);
        Assert.Equal("a\nb\nc\nd\n", Encoding.UTF8.GetString(to.ToArray()));
    }
}
