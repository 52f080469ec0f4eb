using Hanbae.Host.Runtime;

namespace Hanbae.Host.Tests.Runtime;

public sealed class CgroupTests
{
    [Fact]
    public void Containers_that_a_runtime_put_beside_its_own_cgroup_are_found_by_their_slice()
    {
        string tree = Directory.CreateTempSubdirectory("hanbae-strays-").FullName;
        try
        {
            string[] folders =
            [
                "system.slice/hanbae_1a2b3c4d-kubepods-besteffort-podu.slice:cri-containerd:c1", "unified/hanbae_1a2b3c4d-kubepods-podv.slice:cri-containerd:c2",
                "system.slice/hanbae_99999999-kubepods-podu.slice:cri-containerd:c3", "hanbae_1a2b3c4d.slice/hanbae_1a2b3c4d-kubepods.slice",
            ];
            foreach (string folder in folders) Directory.CreateDirectory(Path.Combine(tree, folder));
            Assert.Equal(folders[..2].Select(f => Path.Combine(tree, f)).Order(), Cgroups.Strays("hanbae_1a2b3c4d.slice", tree).Order());
        }
        finally { Directory.Delete(tree, recursive: true); }
    }
}
