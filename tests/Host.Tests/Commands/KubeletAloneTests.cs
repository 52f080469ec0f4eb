using Hanbae.Host.Commands;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;
using Hanbae.Host.Tests.Images;

namespace Hanbae.Host.Tests.Commands;

public sealed class KubeletAloneTests
{
    [Fact]
    public void What_leads_to_no_cluster_leads_to_none()
    {
        using var scratch = new Scratch();
        string usual = scratch / "kubelet.kubeconfig";
        Assert.Null(KubeletAlone.KubeconfigOf(null, null, usual));
        Assert.Equal("/etc/k", KubeletAlone.KubeconfigOf("/etc/k", null, usual));
        Assert.Equal(usual, KubeletAlone.KubeconfigOf(null, "/etc/bootstrap", usual));
        File.WriteAllText(usual, "");
        Assert.Equal(usual, KubeletAlone.KubeconfigOf(null, null, usual));
    }

    [Fact]
    public void The_runtime_is_who_the_flag_says_or_the_file_or_our_own()
    {
        var paths = NodePaths.Of("/data");
        Assert.Equal("unix:///a", KubeletAlone.RuntimeOf("unix:///a", "unix:///b", paths));
        Assert.Equal("unix:///b", KubeletAlone.RuntimeOf(null, "unix:///b", paths));
        Assert.Null(KubeletAlone.RuntimeOf(null, "", paths));
        Assert.Null(KubeletAlone.RuntimeOf(null, paths.Endpoint, paths)); // its own /configz, given back
    }

    [Fact]
    public void Flags_that_need_each_other_are_asked_for()
    {
        Assert.Equal("cannot exit on lock file contention: no lock file specified", Assert.Throws<SettingsException>(() => KubeletAlone.Check(true, null, null, null)).Message);
        Assert.Contains("go together", Assert.Throws<SettingsException>(() => KubeletAlone.Check(false, null, "/c", null)).Message);
        KubeletAlone.Check(true, "/lock", "/c", "/bin");
    }
}
