using System.Diagnostics;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;
using Hanbae.Host.Tests.Images;

namespace Hanbae.Host.Tests.Runtime;

public sealed class ResetTests
{
    [Fact]
    public async Task A_folder_that_hanbae_did_not_make_is_not_touched()
    {
        using var scratch = new Scratch();
        File.WriteAllText(scratch / "thesis.txt", "years");

        var refusal = await Assert.ThrowsAsync<RuntimeException>(() => new Reset(NodePaths.Of(scratch.Folder), TimeProvider.System).RunAsync(null, _ => { }, default));

        Assert.Contains("was not made by Hanbae", refusal.Message);
        Assert.True(File.Exists(scratch / "thesis.txt"));
        Assert.Throws<RuntimeException>(() => DataFolder.Claim(NodePaths.Of(scratch.Folder)));
    }

    [ContainerFact]
    public async Task What_is_left_of_a_folder_that_other_hands_removed_can_still_be_reset()
    {
        using var scratch = new Scratch();
        var paths = NodePaths.Of(scratch / "data");
        OtherClusters.Register(paths);
        try
        {
            Directory.CreateDirectory(paths.Kubelet);

            Assert.Contains("reset --data-dir " + paths.Data, Assert.Throws<RuntimeException>(() => DataFolder.Claim(paths)).Message);
            Assert.Contains("folder " + paths.Data, (await new Reset(paths, TimeProvider.System).RunAsync(null, _ => { }, default)).RemovedThings);
            Assert.False(Directory.Exists(paths.Data) || Directory.Exists(paths.Run));
        }
        finally { if (Directory.Exists(paths.Run)) Directory.Delete(paths.Run, recursive: true); }
    }

    [ContainerFact]
    public async Task A_volume_that_is_somebodys_folder_loses_nothing()
    {
        using var scratch = new Scratch();
        await using var node = new RealNode();
        DataFolder.Claim(node.Paths);
        Directory.CreateDirectory(scratch / "precious");
        File.WriteAllText(scratch / "precious/file", "years");
        string subPath = node.Paths.Kubelet + "/pods/x/volume-subpaths/y/0";
        Directory.CreateDirectory(subPath);
        await Tool.RunAsync("mount", ["--bind", scratch / "precious", subPath]);

        var report = await node.ResetAsync();

        Assert.Contains("mount " + subPath, report.RemovedThings);
        Assert.True(File.Exists(scratch / "precious/file"));
        Assert.False(Directory.Exists(node.Paths.Data));
    }

    [Fact]
    public void Only_tables_of_this_node_are_its_own() => Assert.Equal(
        ["table inet hanbae_1a2b3c4d", "table ip hanbae_1a2b3c4d_proxy"],
        Reset.OwnTables("table ip nat\ntable inet hanbae_1a2b3c4d\ntable ip hanbae_1a2b3c4d_proxy\ntable ip hanbae_1a2b3c4dee\ntable inet hanbae_99999999\n", "hanbae_1a2b3c4d"));

    [Fact]
    public void A_rule_in_iptables_words_keeps_quoted_comments_whole() => Assert.Equal(
        ["POSTROUTING", "-m", "comment", "--comment", "CNI portfwd requiring masquerade", "-j", "CNI-HOSTPORT-MASQ"],
        HostFootprint.Words("POSTROUTING -m comment --comment \"CNI portfwd requiring masquerade\" -j CNI-HOSTPORT-MASQ"));

    [Fact]
    public async Task A_recycled_process_number_is_not_the_process()
    {
        using var scratch = new Scratch();
        using var sleeper = Process.Start("sleep", "1000");
        try
        {
            var identity = ProcessIdentity.Of(sleeper.Id)!;
            identity.Write(scratch / "process");
            Assert.Equal(identity, ProcessIdentity.Read(scratch / "process"));
            Assert.False((identity with { StartTicks = identity.StartTicks - 1 }).IsAlive);
            Assert.False(await (identity with { Boot = "another" }).StopAsync(TimeSpan.Zero, TimeProvider.System, default));
            Assert.True(identity.IsAlive);
            Assert.True(await identity.StopAsync(TimeSpan.FromSeconds(20), TimeProvider.System, default));
            Assert.False(identity.IsAlive);
        }
        finally
        {
            if (!sleeper.HasExited) sleeper.Kill();
        }
    }

    [Fact]
    public void A_process_file_cut_short_names_nobody()
    {
        using var scratch = new Scratch();
        File.WriteAllText(scratch / "process", "12 ");
        Assert.Null(ProcessIdentity.Read(scratch / "process"));
        Assert.Null(ProcessIdentity.Read(scratch / "missing"));
    }
}
