namespace Hanbae.Kubelet.Devices;

/// <summary>A Pod cannot have all that it asks for as near together as the node's policy demands.</summary>
sealed class TopologyException() : DeviceException("Resources cannot be allocated with Topology locality");
