namespace Hanbae.Kubelet.Devices;

/// <summary>A container cannot have the devices that it asks for, in upstream's words.</summary>
sealed class DeviceException(string message, Exception? inner = null) : Exception(message, inner);
