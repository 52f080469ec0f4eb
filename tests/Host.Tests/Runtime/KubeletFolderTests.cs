using Hanbae.Host.Runtime;
using Hanbae.Host.Tests.Images;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Host.Tests.Runtime;

public sealed class KubeletFolderTests
{
    [ContainerFact]
    public async Task A_folder_elsewhere_is_the_kubelets_and_goes_with_the_node()
    {
        using var scratch = new Scratch();
        await using var node = new RealNode();
        DataFolder.Claim(node.Paths);
        string folder = scratch / "lib/kubelet";
        KubeletFolder.Place(node.Paths, folder);
        KubeletFolder.Place(node.Paths, folder + "/"); // the next `up` asks for the same
        Assert.Equal(folder, KubeletFolder.Of(node.Paths));
        Assert.Contains($"is {folder} since the kubelet first ran and cannot change", Assert.Throws<RuntimeException>(() => KubeletFolder.Place(node.Paths, scratch / "other")).Message);

        KubeletFolder.Prepare(node.Paths);
        int mounts = MountTable.Read().Count;
        KubeletFolder.Prepare(node.Paths);
        Assert.Equal(mounts, MountTable.Read().Count);
        Assert.True(MountTable.Read().Holding(folder)!.Shared);
        Assert.Equal("750", Convert.ToString((int)File.GetUnixFileMode(KubeletFolder.Of(node.Paths)), 8)); // as the CIS check looks, which a link would fail
        Directory.CreateDirectory(scratch / "precious");
        File.WriteAllText(scratch / "precious/file", "years");
        string subPath = node.Paths.Kubelet + "/pods/x/volume-subpaths/y/0";
        Directory.CreateDirectory(subPath);
        await Tool.RunAsync("mount", ["--bind", scratch / "precious", subPath]);

        var report = await node.ResetAsync();

        Assert.Contains($"mount {folder}/pods/x/volume-subpaths/y/0", report.RemovedThings);
        Assert.Contains("folder " + folder, report.RemovedThings);
        Assert.True(File.Exists(scratch / "precious/file"));
        Assert.False(Directory.Exists(folder) || Directory.Exists(node.Paths.Data));
        Assert.DoesNotContain(MountTable.Read(), m => m.Path.StartsWith(scratch.Folder, StringComparison.Ordinal));
    }

    [Fact]
    public void The_machines_own_node_has_the_usual_folder_unless_somebody_else_has()
    {
        using var scratch = new Scratch();
        var paths = NodePaths.Of(scratch / "data");
        string known = scratch / "lib";
        Assert.Equal(known, KubeletFolder.Usual(paths, paths.Data, known));
        Assert.Null(KubeletFolder.Usual(NodePaths.Of(scratch / "other"), paths.Data, known)); // a second node of the machine
        Directory.CreateDirectory(known + "/lost+found");
        Assert.Equal(known, KubeletFolder.Usual(paths, paths.Data, known));
        Directory.CreateDirectory(known + "/pods");
        Assert.Null(KubeletFolder.Usual(paths, paths.Data, known));
        Directory.Delete(known + "/pods");
        Directory.CreateDirectory(paths.Kubelet); // it has begun there
        Assert.Null(KubeletFolder.Usual(paths, paths.Data, known));
    }

    [Fact]
    public void A_folder_of_somebody_elses_is_not_taken_nor_one_that_the_data_is_in()
    {
        using var scratch = new Scratch();
        var paths = NodePaths.Of(scratch / "data");
        DataFolder.Claim(paths);
        Directory.CreateDirectory(scratch / "kubelet/pods");
        Assert.Contains("already holds pods, which this node did not put there", Assert.Throws<RuntimeException>(() => KubeletFolder.Place(paths, scratch / "kubelet")).Message);
        foreach (string folder in (string[])[scratch.Folder, paths.Data + "/other"])
            Assert.Contains("must not lie in each other", Assert.Throws<RuntimeException>(() => KubeletFolder.Place(paths, folder)).Message);
        KubeletFolder.Place(paths, paths.Kubelet); // where it is anyway
        Assert.Equal(paths.Kubelet, KubeletFolder.Of(paths));
        Assert.Null(KubeletFolder.Elsewhere(paths));

        // A link that somebody made leads to what is not this node's to remove.
        Directory.CreateSymbolicLink(paths.Kubelet, scratch / "kubelet");
        Assert.Null(KubeletFolder.Elsewhere(paths));
    }
}
