using System.IO.Compression;
using System.Text;
using Hanbae.Kit;
using Hanbae.Server.Audit;

namespace Hanbae.Server.Tests.Audit;

public sealed class AuditFileTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hanbae-audit-").FullName;

    string Path => System.IO.Path.Combine(_folder, "audit.log");
    string[] Closed => [.. Directory.GetFiles(_folder, "audit-*").Select(f => System.IO.Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    static void Line(RotatingFile file, string text)
    {
        file.Write(Encoding.UTF8.GetBytes(text + "\n"));
        file.Flush(toDisk: false);
    }

    [Fact]
    public void A_large_file_is_closed_under_the_time_and_the_oldest_go()
    {
        var time = new FakeTime(new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero));
        using var file = new RotatingFile(new() { Path = Path, MaxSize = 10, MaxBackups = 2 }, time);
        for (int i = 0; i < 5; i++)
        {
            Line(file, "line-" + i);
            time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Equal("line-4\n", File.ReadAllText(Path));
        Assert.Equal(["audit-2030-01-02T03-04-08.000.log", "audit-2030-01-02T03-04-09.000.log"], Closed);
        Assert.Equal("line-3\n", File.ReadAllText(System.IO.Path.Combine(_folder, Closed[1])));
    }

    [Fact]
    public void Closed_files_are_packed_and_removed_by_age()
    {
        var time = new FakeTime(new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero));
        using var file = new RotatingFile(new() { Path = Path, MaxSize = 10, MaxAge = TimeSpan.FromDays(2), Compress = true }, time);
        for (int i = 0; i < 5; i++)
        {
            Line(file, "line-" + i);
            time.Advance(TimeSpan.FromDays(1));
        }
        Assert.Equal(["audit-2030-01-04T03-04-05.000.log.gz", "audit-2030-01-05T03-04-05.000.log.gz", "audit-2030-01-06T03-04-05.000.log.gz"], Closed);
        using var packed = new GZipStream(File.OpenRead(System.IO.Path.Combine(_folder, Closed[2])), CompressionMode.Decompress);
        Assert.Equal("line-3\n", new StreamReader(packed).ReadToEnd());
    }

    [Fact]
    public void What_was_there_is_added_to_and_a_line_cut_short_is_not_joined()
    {
        File.WriteAllText(Path, "whole\ncut sho");
        using (var file = new RotatingFile(new() { Path = Path }, TimeProvider.System)) Line(file, "next");
        Assert.Equal("whole\ncut sho\nnext\n", File.ReadAllText(Path));
        // Made by us, it is for its owner only; this one was there.
        File.Delete(Path);
        using (var file = new RotatingFile(new() { Path = Path }, TimeProvider.System)) Line(file, "own");
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
    }
}
