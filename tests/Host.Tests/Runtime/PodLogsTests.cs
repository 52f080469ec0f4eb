using Hanbae.Host.Runtime;
using Hanbae.Host.Tests.Images;

namespace Hanbae.Host.Tests.Runtime;

public sealed class PodLogsTests
{
    [Fact]
    public void Only_logs_of_the_nodes_own_pods_are_removed()
    {
        using var scratch = new Scratch();
        foreach (string folder in (string[])["pods/mine", "logs/default_web_mine/app", "logs/default_web_theirs/app", "logs/notes", "links"]) Directory.CreateDirectory(scratch / folder);
        foreach (string uid in (string[])["mine", "theirs"])
        {
            string log = scratch / $"logs/default_web_{uid}/app/0.log";
            File.WriteAllText(log, "");
            File.CreateSymbolicLink(scratch / $"links/web_default_app-{uid}.log", log);
        }
        File.WriteAllText(scratch / "links/other.log", "");

        Assert.Equal(1, PodLogs.Remove(scratch / "pods", scratch / "logs", scratch / "links"));

        Assert.Equal(["default_web_theirs", "notes"], Directory.GetDirectories(scratch / "logs").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        Assert.Equal(["other.log", "web_default_app-theirs.log"], Directory.GetFiles(scratch / "links").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        Assert.Equal(0, PodLogs.Remove(scratch / "pods", scratch / "logs", scratch / "links"));
        Assert.Equal(0, PodLogs.Remove(scratch / "none"));
    }
}
