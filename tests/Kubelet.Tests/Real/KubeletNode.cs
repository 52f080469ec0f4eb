using Hanbae.Cri;
using Hanbae.Kit.Containerd;

namespace Hanbae.Kubelet.Tests.Real;

/// <summary>A kubelet's containerd, in the network of the test.</summary>
public sealed class KubeletNode() : ContainerdRig(ownNetwork: false)
{
    public ICri Cri => new CriClient(Channel);
    public string CgroupRoot => CgroupParent;
}

/// <summary>A fact that needs containerd, and says so where there is none.</summary>
sealed class RealFactAttribute : FactAttribute
{
    public RealFactAttribute() => Skip = ContainerdRig.Missing;
}
