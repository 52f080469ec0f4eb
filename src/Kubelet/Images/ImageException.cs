namespace Hanbae.Kubelet.Images;

/// <summary>A container's image is not to be had now.</summary>
/// <param name="reason">The container's waiting reason: <c>ErrImagePull</c>, <c>ImagePullBackOff</c>, …</param>
/// <param name="again">When another try makes sense; null for the next change or round.</param>
sealed class ImageException(string reason, string message, DateTimeOffset? again = null) : Exception(message)
{
    public string Reason => reason;
    public DateTimeOffset? Again => again;
}
