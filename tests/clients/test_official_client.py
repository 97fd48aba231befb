"""Pinterest's own client for API v5, as PyPI has it, against a Pinwire node.

Only its host is Pinwire's; nothing in it is patched. It checks what it is answered against the types of
API v5.14, so a field of another type fails here. It needs two people who are signed up, Ana and Ben:

    PINWIRE_TEST_HOST=http://127.0.0.1:8080/v5 \\
    PINWIRE_TEST_ANA=<Ana's access token> PINWIRE_TEST_BEN=<Ben's access token> \\
    python tests/clients/test_official_client.py
"""

import datetime
import os
import unittest
import uuid

from dateutil.parser import isoparse
from openapi_generated.pinterest_client import ApiClient, ApiException, Configuration
from openapi_generated.pinterest_client.api.boards_api import BoardsApi
from openapi_generated.pinterest_client.api.pins_api import PinsApi
from openapi_generated.pinterest_client.api.user_account_api import UserAccountApi
from openapi_generated.pinterest_client.exceptions import (
    ForbiddenException,
    NotFoundException,
    UnauthorizedException,
)
from openapi_generated.pinterest_client.model.board import Board
from openapi_generated.pinterest_client.model.board_update import BoardUpdate
from openapi_generated.pinterest_client.model.follow_user_request import FollowUserRequest
from openapi_generated.pinterest_client.model.inline_object1 import InlineObject1 as SaveRequest
from openapi_generated.pinterest_client.model.pin_create import PinCreate
from openapi_generated.pinterest_client.model.pin_update import PinUpdate

PICTURE = "https://img.example/cat.jpg"


class Person:
    """Somebody who uses the client."""

    def __init__(self, token):
        configuration = Configuration(host=os.environ["PINWIRE_TEST_HOST"], access_token=token)
        configuration.retries = False
        client = ApiClient(configuration)
        self.boards = BoardsApi(client)
        self.pins = PinsApi(client)
        self.account = UserAccountApi(client)

    def new_board(self, **fields):
        fields.setdefault("name", f"Board {uuid.uuid4()}")
        return self.boards.boards_create(Board(**fields))

    def new_pin(self, board, **fields):
        wanted = PinCreate(
            board_id=board.id,
            media_source={"source_type": "image_url", "url": PICTURE},
            **fields,
        )
        return self.pins.pins_create(wanted)


def read_all(read_page, page_size, **parameters):
    """Every item of a list, and the number of pages it took."""
    items, pages, bookmark = [], 0, None
    while True:
        if bookmark is not None:
            parameters["bookmark"] = bookmark
        page = read_page(page_size=page_size, **parameters)
        items += page["items"]
        pages += 1
        bookmark = page["bookmark"]
        if bookmark is None:
            return items, pages


class OfficialClient(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.ana = Person(os.environ["PINWIRE_TEST_ANA"])
        cls.ben = Person(os.environ["PINWIRE_TEST_BEN"])

    def test_a_board_is_made_read_changed_and_deleted(self):
        made = self.ana.new_board(name="Summer recipes", description="Cold ones")
        self.assertEqual(made.name, "Summer recipes")
        self.assertEqual(made.description, "Cold ones")
        self.assertEqual(made.privacy, "PUBLIC")
        self.assertEqual((made.pin_count, made.follower_count, made.collaborator_count), (0, 0, 0))
        self.assertIsInstance(made.created_at, datetime.datetime)
        self.assertEqual(made.media.pin_thumbnail_urls, [])
        self.assertEqual(self.ana.boards.boards_get(made.id).to_dict(), made.to_dict())

        changed = self.ana.boards.boards_update(
            made.id, BoardUpdate(name="Winter recipes", description=None, privacy="SECRET")
        )
        self.assertEqual(changed.id, made.id)
        self.assertEqual(changed.name, "Winter recipes")
        self.assertIsNone(changed.description)
        self.assertEqual(changed.privacy, "SECRET")

        self.assertIsNone(self.ana.boards.boards_delete(made.id))
        with self.assertRaises(NotFoundException) as gone:
            self.ana.boards.boards_get(made.id)
        self.assertIn('"code":40', gone.exception.body)

    def test_a_pin_is_made_read_changed_and_deleted(self):
        board = self.ana.new_board()
        made = self.ana.new_pin(
            board,
            title="Grey cat",
            description="She sleeps",
            alt_text="A grey cat",
            link="https://cats.example/1",
            dominant_color="#6E7874",
            note="for Ben",
        )
        self.assertEqual(made.title, "Grey cat")
        self.assertEqual(made.description, "She sleeps")
        self.assertEqual(made.alt_text, "A grey cat")
        self.assertEqual(made.link, "https://cats.example/1")
        self.assertEqual(made.dominant_color, "#6E7874")
        self.assertEqual(made.note, "for Ben")
        self.assertEqual(made.board_id, board.id)
        self.assertEqual(made.board_owner["username"], board.owner["username"])
        self.assertTrue(made.is_owner)
        self.assertIsInstance(made.created_at, datetime.datetime)
        image = {"url": PICTURE, "width": None, "height": None}
        sizes = {size: image for size in ("150x150", "400x300", "600x", "1200x")}
        self.assertEqual(made.media, {"media_type": "image", "images": sizes})
        read = self.ana.pins.pins_get(made.id, pin_metrics=False)
        self.assertEqual(read.to_dict(), made.to_dict())

        changed = self.ana.pins.pins_update(made.id, PinUpdate(title="Cat", description=None))
        self.assertEqual(changed.title, "Cat")
        self.assertIsNone(changed.description)
        self.assertEqual(changed.alt_text, "A grey cat")

        self.assertIsNone(self.ana.pins.pins_delete(made.id))
        with self.assertRaises(NotFoundException) as gone:
            self.ana.pins.pins_get(made.id)
        self.assertIn('"code":50', gone.exception.body)

    def test_a_pin_of_somebody_else_is_saved(self):
        theirs = self.ben.new_pin(self.ben.new_board(), title="Chair")
        board = self.ana.new_board()
        saved = self.ana.pins.pins_save(theirs.id, SaveRequest(board_id=board.id))
        self.assertNotEqual(saved.id, theirs.id)
        self.assertEqual(saved.parent_pin_id, theirs.id)
        self.assertEqual(saved.board_id, board.id)
        self.assertEqual(saved.title, "Chair")
        self.assertTrue(saved.is_owner)
        self.assertFalse(self.ana.pins.pins_get(theirs.id).is_owner)
        self.assertEqual(self.ana.boards.boards_get(board.id).pin_count, 1)
        with self.assertRaises(ForbiddenException) as refused:
            self.ana.pins.pins_update(theirs.id, PinUpdate(title="Mine"))
        self.assertIn('"code":29', refused.exception.body)

    def test_pins_are_listed_by_pages(self):
        board = self.ana.new_board()
        made = [self.ana.new_pin(board, title=f"Pin {n}") for n in range(5)]
        newest_first = [pin.id for pin in reversed(made)]

        def read_board(**parameters):
            return self.ana.boards.boards_list_pins(board.id, **parameters)

        on_board, pages = read_all(read_board, page_size=2)
        self.assertEqual([pin["id"] for pin in on_board], newest_first)
        self.assertEqual(pages, 3)
        # The client checks no items of lists; each must be what it took for a pin before.
        for item, pin in zip(on_board, reversed(made)):
            item = {**item, "created_at": isoparse(item["created_at"])}
            self.assertEqual(item, pin.to_dict())

        own, _ = read_all(self.ana.pins.pins_list, page_size=250)
        self.assertEqual([pin["id"] for pin in own if pin["board_id"] == board.id], newest_first)
        regular, _ = read_all(read_board, page_size=250, creative_types=["REGULAR", "VIDEO"])
        self.assertEqual(regular, on_board)
        videos, _ = read_all(read_board, page_size=250, creative_types=["VIDEO"])
        self.assertEqual(videos, [])

    def test_boards_are_listed_by_pages(self):
        made = [self.ben.new_board(privacy=p) for p in ("PUBLIC", "PROTECTED", "SECRET")]
        newest_first = [board.id for board in reversed(made)]
        listed, pages = read_all(self.ben.boards.boards_list, page_size=1)
        self.assertEqual(pages, len(listed))
        ids = [board["id"] for board in listed]
        self.assertEqual([i for i in ids if i in newest_first], newest_first)
        secret, _ = read_all(self.ben.boards.boards_list, page_size=25, privacy="SECRET")
        self.assertEqual([board["id"] for board in secret], newest_first[:1])

    def test_pins_of_protected_boards_are_listed_when_asked_for(self):
        pin = self.ben.new_pin(self.ben.new_board(privacy="PROTECTED"))
        for asked in (False, True):
            own, _ = read_all(
                self.ben.pins.pins_list, page_size=250, include_protected_pins=asked
            )
            self.assertEqual(pin.id in [item["id"] for item in own], asked)

    def test_the_account_is_read_and_a_user_followed(self):
        ana = self.ana.account.user_account_get()
        ben = self.ben.account.user_account_get()
        self.assertEqual(ana.account_type, "PINNER")
        self.assertIsInstance(ana.pin_count, int)
        followed = self.ana.account.follow_user_update(ben.username, FollowUserRequest())
        self.assertEqual((followed.type, followed.username), ("user", ben.username))

        def read_following(**parameters):
            return self.ana.account.user_following_get(
                feed_type="ALL", explicit_following=False, **parameters
            )

        following, _ = read_all(read_following, page_size=1)
        self.assertEqual([user["username"] for user in following], [ben.username])
        followers, _ = read_all(self.ben.account.followers_list, page_size=1)
        self.assertEqual([user["username"] for user in followers], [ana.username])
        self.assertEqual(self.ana.account.user_account_get().following_count, 1)

    def test_what_is_not_offered_is_refused_by_name(self):
        board = self.ana.new_board()
        refusals = {
            "ad_account_id": lambda: self.ana.boards.boards_list(ad_account_id="1"),
            "pin_metrics": lambda: self.ana.pins.pins_list(pin_metrics=True),
            "pin_filter": lambda: self.ana.pins.pins_list(pin_filter="exclude_repins"),
            "board_section_id": lambda: self.ana.new_pin(board, board_section_id="1"),
            "media_source.source_type": lambda: self.ana.pins.pins_create(
                PinCreate(
                    board_id=board.id,
                    media_source={
                        "source_type": "image_base64",
                        "content_type": "image/png",
                        "data": "AA==",
                    },
                )
            ),
        }
        for field, ask in refusals.items():
            with self.subTest(field), self.assertRaises(ApiException) as refused:
                ask()
            self.assertEqual(refused.exception.status, 422)
            self.assertIn(f'"field":"{field}"', refused.exception.body)

    def test_without_a_valid_token_nothing_is_answered(self):
        with self.assertRaises(UnauthorizedException):
            Person("no token").account.user_account_get()


if __name__ == "__main__":
    unittest.main()
