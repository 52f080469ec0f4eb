using Hanbae.Cri.V1;
using Hanbae.Kubelet.Devices;
using Hanbae.Kubelet.Devices.Cdi;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Devices;

public sealed class CdiFilesTests : IDisposable
{
    readonly string _root = Directory.CreateTempSubdirectory("hanbae-cdi-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    void Write(string folder, string file, string text)
    {
        Directory.CreateDirectory(Path.Combine(_root, folder));
        File.WriteAllText(Path.Combine(_root, folder, file), text);
    }

    ContainerConfig Inject(params string[] devices)
    {
        var config = new ContainerConfig { Linux = new() { SecurityContext = new() } };
        new CdiFiles([Path.Combine(_root, "etc"), Path.Combine(_root, "run"), Path.Combine(_root, "nowhere")], NullLogger.Instance).Inject(config, devices);
        return config;
    }

    [Fact]
    public void Edits_of_the_device_and_once_of_its_file_are_worked_in()
    {
        Write("etc", "a.yaml", """
            cdiVersion: 0.6.0
            kind: vendor.com/gpu
            containerEdits:
              env: [COMMON=1]
              mounts: [{hostPath: /lib/x, containerPath: /usr/lib/x, options: [ro, nosuid, bind]}]
            devices:
            - name: "0"
              containerEdits:
                deviceNodes: [{path: /dev/gpu0, hostPath: /dev/zero, permissions: r}, {path: /dev/ctl}]
                additionalGids: [44]
            - name: "1"
              containerEdits: {env: [ONE=a=b], hooks: []}
            """);
        var config = Inject("vendor.com/gpu=0", "vendor.com/gpu=1", "vendor.com/gpu=0");
        Assert.Equal(["COMMON=1", "ONE=a=b"], config.Envs.Select(e => $"{e.Key}={e.Value.ToStringUtf8()}"));
        Assert.Equal(["/dev/zero /dev/gpu0 r", "/dev/ctl /dev/ctl rwm"], config.Devices.Select(d => $"{d.HostPath} {d.ContainerPath} {d.Permissions}"));
        Assert.Equal("/lib/x /usr/lib/x True", string.Join(' ', Assert.Single(config.Mounts) is var m ? m.HostPath : "", m.ContainerPath, m.Readonly));
        Assert.Equal([44L], config.Linux.SecurityContext.SupplementalGroups);
    }

    [Fact]
    public void A_later_folder_wins_and_two_files_of_one_are_in_each_others_way()
    {
        const string text = """{"cdiVersion":"0.5.0","kind":"v.com/d","devices":[{"name":"x","containerEdits":{"env":["FROM=THERE"]}}]}""";
        Write("etc", "a.json", text.Replace("THERE", "etc"));
        Write("run", "a.json", text.Replace("THERE", "run"));
        Write("run", "broken.json", "{");
        Assert.Equal("run", Assert.Single(Inject("v.com/d=x").Envs).Value.ToStringUtf8());
        Write("run", "b.json", text);
        Assert.Equal("CDI device injection failed: unresolvable CDI devices v.com/d=x, v.com/d=nobody", Assert.Throws<DeviceException>(() => Inject("v.com/d=x", "v.com/d=nobody")).Message);
    }

    [Fact]
    public void What_CRI_has_no_words_for_is_refused()
    {
        Write("etc", "a.json", """{"cdiVersion":"0.5.0","kind":"v.com/d","devices":[{"name":"x","containerEdits":{"hooks":[{"hookName":"createContainer","path":"/x"}]}},{"name":"y","containerEdits":{"mounts":[{"type":"tmpfs","containerPath":"/t"}]}}]}""");
        Assert.Contains("v.com/d=x has hooks", Assert.Throws<DeviceException>(() => Inject("v.com/d=x")).Message);
        Assert.Contains("mount of type tmpfs", Assert.Throws<DeviceException>(() => Inject("v.com/d=y")).Message);
    }

    [Theory]
    [InlineData("containerd://1.6.20", true)]
    [InlineData("containerd://1.7.24", true)]
    [InlineData("containerd://2.1.9", false)]
    [InlineData("cri-o://1.30.0", false)]
    [InlineData("", false)]
    public void Runtimes_that_know_of_CDI_are_only_told(string runtime, bool needs) => Assert.Equal(needs, CdiFiles.NeedsUs(runtime));
}
