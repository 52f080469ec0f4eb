using Hanbae.Kit.Containerd;

namespace Hanbae.Cri.Tests;

/// <summary>The spec's containerd, in a network of its own.</summary>
public sealed class ContainerdNode() : ContainerdRig(ownNetwork: true);
