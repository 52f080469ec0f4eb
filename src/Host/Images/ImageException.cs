namespace Hanbae.Host.Images;

/// <summary>What is wrong with an image or archive, in words for the person who gave it.</summary>
public sealed class ImageException(string message, Exception? inner = null) : Exception(message, inner);
