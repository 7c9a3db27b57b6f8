"""Takes a body of several parts apart by Python's `email`, as a mail or a web server would.

Standard input is its Content-Type on a line and then the body. Each part comes out as JSON on a line.
"""

import json
import sys
from email import policy
from email.parser import BytesParser

content_type, _, body = sys.stdin.buffer.read().partition(b"\n")
message = BytesParser(policy=policy.HTTP).parsebytes(
    b"MIME-Version: 1.0\r\nContent-Type: " + content_type + b"\r\n\r\n" + body
)
for defect in message.defects:
    sys.exit(f"it finds a defect: {defect!r}")
for part in message.iter_parts():
    # `binary` is what says that nothing is to be decoded.
    content = part.get_payload(decode=True)
    headers = {name.lower(): str(value) for name, value in part.items()}
    print(json.dumps({"headers": headers, "content": content.hex()}))
